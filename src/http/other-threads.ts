import type { Tagged } from '../cache/entry.ts';
import type { Span } from '../observe/events.ts';
import type { RepriseError } from '../shared/errors.ts';
import type { AnswerHead } from '../upstream/exchange.ts';
import type { Settled } from './settled.ts';

/** The other threads of this instance, as calls for a stream need them: of several threads one fetches it, and the others follow that. */
export interface OtherThreads {
  /** Asks which thread is to stream what `id` names. Nobody is waited for whose claim has a number up to `past`. Does not reject. */
  claim(id: string, past: number): Promise<Claim>;
  /** From now on `take` is given who would follow a fetch of this thread. */
  listen(take: (wish: Wish, line: OwnerLine) => void): void;
}

/** Which thread it is. */
export type Claim =
  /** This one, until it gives that back. `again`: another one did a moment ago, so that it may be in the cache by now. */
  | { readonly kind: 'held'; readonly again: boolean; readonly release: () => void }
  /** Another one, by the claim of that number. */
  | { readonly kind: 'there'; readonly number: number; readonly follow: (wish: Wish) => FollowerLine };

/** What who would follow asks for: one part of a plan, and whom that may share it with. */
export interface Wish {
  readonly id: string;
  readonly company: string;
  readonly liveCompany: string;
}

/** What the thread whose fetch it is tells one that follows it. It hangs up where there is nothing to follow, or not any more. */
export type FromOwner =
  /** It may be followed: this is what it is. */
  | {
      readonly kind: 'taken';
      readonly stamp: number;
      readonly tags: readonly Tagged[];
      readonly asker: string;
      readonly span: Span | undefined;
    }
  /** An event stream begins. */
  | { readonly kind: 'head'; readonly head: AnswerHead }
  | { readonly kind: 'chunk'; readonly chunk: Buffer }
  /** What became of it: told before its last byte, and before anything later is `heard`; also where it made entries and is no stream. */
  | { readonly kind: 'settled'; readonly settled: Settled }
  /** So many of those that were said have been taken to heart. */
  | { readonly kind: 'heard'; readonly count: number }
  | { readonly kind: 'end' }
  | { readonly kind: 'broken'; readonly error: RepriseError };

/** What a thread that follows tells the one whose fetch it is. It hangs up when nobody there wants it any more. */
export type FromFollower =
  /** A caller says that it speaks of this (`isWhole`: and of no more), and how long it may live. */
  | {
      readonly kind: 'said';
      readonly tags: readonly Tagged[];
      readonly isWhole: boolean;
      readonly ttlMs: number | undefined;
    }
  /** So many bytes more may come. */
  | { readonly kind: 'took'; readonly bytes: number };

/** One end of what joins two threads: what is said comes in order. */
export interface ThreadLine<Said, Heard> {
  say(said: Said): void;
  /** `hungUp` is called once, when either side has hung up or is gone; what was said before comes before. */
  listen(hear: (heard: Heard) => void, hungUp: () => void): void;
  hangUp(): void;
}

/** The end of the thread that fetches. */
export type OwnerLine = ThreadLine<FromOwner, FromFollower>;
/** The end of the thread that follows. */
export type FollowerLine = ThreadLine<FromFollower, FromOwner>;

/** Bytes that an owner sends before it is told that they were taken. */
export const MOST_UNTAKEN = 256_000;
