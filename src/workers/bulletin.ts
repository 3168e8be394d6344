import { BroadcastChannel, receiveMessageOnPort } from 'node:worker_threads';
import type { Tagged } from '../cache/entry.ts';
import type { Mark } from '../cache/mark.ts';
import type { StampedTag } from '../policy/told.ts';

declare module 'node:worker_threads' {
  // Since Node 15.12; the types do not have it.
  function receiveMessageOnPort(port: BroadcastChannel): { readonly message: Notice } | undefined;
}

/** What one thread lets all others know. */
export type Notice =
  /** An invalidation. */
  | { readonly kind: 'mark'; readonly mark: Mark }
  /** Marks before this stamp concern nothing any more. */
  | { readonly kind: 'retire'; readonly oldest: number }
  /** These entries were invalidated and are removed. */
  | { readonly kind: 'removed'; readonly ids: readonly string[] }
  /** What copies there are in memory of these entries are to go. */
  | { readonly kind: 'dropped'; readonly ids: readonly string[] }
  /** There is this version of an entry now. */
  | { readonly kind: 'stored'; readonly id: string; readonly stamp: number; readonly tags: readonly Tagged[] }
  /** What `Lineage.note` was told. */
  | {
      readonly kind: 'traced';
      readonly owner: string;
      readonly id: string;
      readonly tags: readonly StampedTag[];
    }
  /** What `Verifications.answered` was told. */
  | {
      readonly kind: 'verified';
      readonly credential: string;
      readonly realm: string | undefined;
      readonly status: number;
    };

/** How the threads of one proxy find each other's notices. */
export interface BulletinAddress {
  readonly name: string;
  /** One 32-bit number: how many notices there were. */
  readonly count: SharedArrayBuffer;
}

/**
 * What all threads must know before they serve anything. A notice is with every thread when `post` returns: whoever asks
 * {@link catchUp} after that has taken it. Where there is nothing new that costs a look at a number.
 */
export class Bulletin {
  readonly #channel: BroadcastChannel;
  readonly #count: Int32Array;
  readonly #take: (notice: Notice) => void;
  #seen = 0;

  /** `take` is given what other threads post, in the order of each. */
  constructor({ name, count }: BulletinAddress, take: (notice: Notice) => void) {
    this.#count = new Int32Array(count);
    this.#take = take;
    this.#channel = new BroadcastChannel(name);
    // Those who are never asked for anything take notices, too, or these would pile up.
    this.#channel.onmessage = (message: unknown) => take(noticeIn(message));
    this.#channel.unref();
  }

  /** Lets all other threads know. */
  post(notice: Notice): void {
    this.#channel.postMessage(notice);
    // Only now: who sees the number finds the notice.
    Atomics.add(this.#count, 0, 1);
  }

  /** Takes what others have posted up to now. */
  catchUp(): void {
    const count = Atomics.load(this.#count, 0);
    if (count === this.#seen) return;
    this.#seen = count;
    for (;;) {
      const received = receiveMessageOnPort(this.#channel);
      if (received === undefined) return;
      this.#take(received.message);
    }
  }

  /** Hears nothing more, and is not heard. */
  close(): void {
    this.#channel.close();
  }
}

function noticeIn(message: unknown): Notice {
  return (message as { readonly data: Notice }).data;
}
