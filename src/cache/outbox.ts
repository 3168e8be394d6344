import type { Numbered } from './announced.ts';
import { announcementText, textsFor } from './announcement.ts';
import type { Mark } from './mark.ts';
import type { Send } from './redis-run.ts';

/** What an outbox works with. */
export interface OutboxOptions {
  /** Announces these; gives the numbers that they got, in the same order. */
  readonly announce: (send: Send, texts: readonly string[]) => Promise<readonly Numbered[]>;
  /** Told that all marks up to this stamp are in the shared table, the last of them under these numbers. */
  readonly numbered: (stamp: number, said: readonly Numbered[]) => void;
}

/** Marks that go into one announcement. */
const BATCH = 200;

/** A mark that waits, and who is told its number, or that of the mark that says the same and has taken its place. */
interface Waiting {
  readonly mark: Mark;
  readonly done: readonly ((seq: number) => void)[];
}

/** Own marks on their way to the shared table, in the order in which they were made; of several that say the same the last. */
export class Outbox {
  readonly #options: OutboxOptions;
  /** By what they say. */
  readonly #waiting = new Map<string, Waiting>();
  #emptying: Promise<void> | undefined;
  #sent = 0;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** How many wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /** How many have been announced. */
  get sent(): number {
    return this.#sent;
  }

  /** Takes marks; resolves with the number of the last when all of them are announced. */
  put(marks: readonly Mark[]): Promise<number | undefined> {
    const last = marks.at(-1);
    return new Promise((resolve) => {
      for (const mark of marks) this.#put(mark, mark === last ? [resolve] : []);
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
    if (this.#waiting.size === 0) return;
    this.#emptying = this.#empty(send);
    await this.#emptying;
  }

  #put(mark: Mark, done: Waiting['done']): void {
    const text = announcementText(mark);
    const before = this.#waiting.get(text);
    this.#waiting.delete(text);
    this.#waiting.set(text, { mark, done: [...(before?.done ?? []), ...done] });
  }

  async #empty(send: Send): Promise<void> {
    try {
      while (this.#waiting.size > 0) {
        const batch = [...this.#waiting].slice(0, BATCH);
        const texts = batch.flatMap(([, { mark }]) => [...textsFor(mark)]);
        const said = await this.#options.announce(send, [...new Set(texts)]);
        // What was made anew meanwhile goes on waiting, and its numbers count for both.
        for (const [text, waiting] of batch) {
          if (this.#waiting.get(text) === waiting) this.#waiting.delete(text);
        }
        this.#sent += batch.length;
        this.#options.numbered(batch.at(-1)?.[1].mark.stamp ?? 0, said);
        for (const [, { done }] of batch) for (const tell of done) tell(said.at(-1)?.[1] ?? 0);
      }
    } finally {
      // In the same turn in which nothing more is found: what comes later is announced by another run.
      this.#emptying = undefined;
    }
  }
}
