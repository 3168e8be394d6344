import type { Entry, Key, Tagged } from '../cache/entry.ts';
import type { TaggedPlan } from '../endpoints/tagged.ts';
import type { Span } from '../observe/events.ts';
import type { AnswerHead } from '../upstream/exchange.ts';
import type { Cursor } from '../upstream/recording.ts';
import type { FetchTags } from './fetch-tags.ts';
import type { Settled } from './settled.ts';

/** What became of a flight. */
export type Landed =
  | Settled
  /** It is another thread's, and cannot be followed any more, or brings nothing that is for others: who waits for it asks anew. */
  | { readonly kind: 'withdrawn' };

/** An upstream call on its way, as it is seen by those who may wait for what it brings: this thread's own, or another's that it follows. */
export interface Flight {
  readonly plan: Pick<TaggedPlan, 'streams' | 'company' | 'liveCompany'>;
  /** When it began: every later invalidation concerns what it brings. */
  readonly stamp: number;
  /** What its entries will speak of, as far as it is known. */
  readonly tags: FetchTags;
  /** Identifies what was asked upstream: see {@link wholeOf}. */
  readonly whole: string;
  /** Whom the upstream's answer answers. */
  readonly asker: string;
  /** The call as it is traced, if it is. */
  readonly traced: { readonly span: Span } | undefined;
  /** The upstream's status and headers; rejects with a RepriseError if there is none. */
  readonly head: Promise<AnswerHead>;
  /** Whether the answer is an event stream under way or over, as far as the head is known. */
  readonly live: boolean;
  readonly settled: Promise<Landed>;
  /** What became of it, once that is known. */
  readonly result: Landed | undefined;
  /** Resolves when all that its callers said of it by now is known where it is stored; undefined where it is. */
  readonly heard: Promise<void> | undefined;
  /** Whether no invalidation since it began concerns what it brings for its part `index`, for a caller that speaks of `more`. */
  isUntouched(index: number, more: readonly Tagged[]): boolean;
  /** Takes a caller in; its own lifetime for what is stored counts if it is the shortest. */
  join(ttlMs: number | undefined): Cursor;
  /** Lets a caller go. */
  leave(cursor: Cursor): void;
}

/** One part being fetched: the part `index` of those its flight asked for. */
export interface Slot {
  readonly fetch: Flight;
  readonly index: number;
}

/** Names a whole request by its parts, in order: equal for two requests that ask the upstream for the same. */
export function wholeOf(keys: readonly Key[]): string {
  return keys.map((key) => key.id).join(' ');
}

/** The entry that came with a flight for its part `index`, if one did. */
export function entryIn(landed: Landed | undefined, index: number): Entry | undefined {
  return landed?.kind === 'entries' ? landed.entries[index] : undefined;
}
