import { textsFor } from './announcement.ts';
import type { Mark } from './mark.ts';
import type { Send } from './redis-run.ts';

/** What an outbox works with. */
export interface OutboxOptions {
  /** Announces these; gives the number of the last. */
  readonly announce: (send: Send, texts: readonly string[]) => Promise<number>;
  /** Told that all marks up to this stamp are in the shared table. */
  readonly numbered: (stamp: number) => void;
}

/** Marks that go into one announcement. */
const BATCH = 200;

/** Own marks on their way to the shared table, in the order in which they were made. None is dropped. */
export class Outbox {
  readonly #options: OutboxOptions;
  #waiting: { readonly mark: Mark; readonly done: (seq: number) => void }[] = [];
  #emptying: Promise<void> | undefined;
  #sent = 0;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** How many wait. */
  get size(): number {
    return this.#waiting.length;
  }

  /** How many have been announced. */
  get sent(): number {
    return this.#sent;
  }

  /** Takes marks; resolves with the number of the last when all of them are announced. */
  put(marks: readonly Mark[]): Promise<number | undefined> {
    const last = marks.at(-1);
    return new Promise((resolve) => {
      for (const mark of marks) this.#waiting.push({ mark, done: mark === last ? resolve : () => undefined });
      if (last === undefined) resolve(undefined);
    });
  }

  /** Announces what waits. Does not reject: what could not be announced goes on waiting. */
  async empty(send: Send): Promise<void> {
    await (this.#emptying ?? this.emptyOver(send)).catch(() => undefined);
  }

  /** As {@link empty}, over a new connection: what goes over another one is waited for. Rejects where it fails. */
  async emptyOver(send: Send): Promise<void> {
    while (this.#emptying !== undefined) await this.#emptying.catch(() => undefined);
    if (this.#waiting.length === 0) return;
    this.#emptying = this.#empty(send);
    await this.#emptying;
  }

  async #empty(send: Send): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        const batch = this.#waiting.slice(0, BATCH);
        const texts = batch.flatMap(({ mark }) => [...textsFor(mark)]);
        const seq = await this.#options.announce(send, [...new Set(texts)]);
        this.#waiting = this.#waiting.slice(batch.length);
        this.#sent += batch.length;
        this.#options.numbered(batch.at(-1)?.mark.stamp ?? 0);
        for (const { done } of batch) done(seq);
      }
    } finally {
      // In the same turn in which nothing more is found: what comes later is announced by another run.
      this.#emptying = undefined;
    }
  }
}
