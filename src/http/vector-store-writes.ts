import type { Tagged } from '../cache/entry.ts';
import type { Background } from '../shared/background.ts';
import type { Clock, Timer } from '../shared/clock.ts';
import { decode } from '../shared/path-pattern.ts';
import { isTag } from '../shared/tag.ts';

/** What keeping searches and writes apart takes. */
export interface VectorStoreWritesOptions {
  readonly clock: Clock;
  readonly background: Background;
  /** Resolves when nothing with this tag that was asked for before is served any more, also after a crash; rejects if it may be. */
  readonly purge: (tag: string) => Promise<void>;
  /** Told of each write, before it is forwarded and when it has been answered. */
  readonly written?: (tag: string) => void;
}

/** Files are indexed behind the answer to a write: for so long after it a search may yet find what it found before. */
const SETTLING_MS = 60_000;
/** Stores told apart; where more have been written in that time, all count as written. */
const MOST_STORES = 10_000;

/**
 * What passes through to change a vector store: its searches are dropped when such a write arrives, since it may take effect at
 * any moment from then on, and when it has been answered. Until the store has settled none is kept, nor what is written from one.
 */
export class VectorStoreWrites {
  readonly #options: VectorStoreWritesOptions;
  /** By the tags of the stores that have not settled. */
  readonly #settling = new Map<string, Timer>();
  /** Until then (monotonic milliseconds) there were too many to tell them apart. */
  #crowded = Number.NEGATIVE_INFINITY;

  constructor(options: VectorStoreWritesOptions) {
    this.#options = options;
  }

  /**
   * Forwards a request that may change the store with this tag. `forward` is given what has to be awaited before the caller hears the
   * upstream's answer; without an answer, too, the write may have been carried out.
   */
  async around<T>(tag: string, forward: (answered: () => Promise<void>) => Promise<T>): Promise<T> {
    let isAnswered = false;
    await this.#written(tag);
    try {
      return await forward(() => {
        isAnswered = true;
        return this.#written(tag);
      });
    } finally {
      if (!isAnswered) await this.#written(tag);
    }
  }

  /** Whether one of these is of a store that has not settled. */
  concern(tags: readonly Tagged[]): boolean {
    const isCrowded = this.#options.clock.elapsed() < this.#crowded;
    return tags.some(([tag]) => this.#settling.has(tag) || (isCrowded && tag.startsWith(PREFIX)));
  }

  /** Forgets the stores that have not settled. */
  close(): void {
    for (const timer of this.#settling.values()) timer.cancel();
    this.#settling.clear();
  }

  async #written(tag: string): Promise<void> {
    this.settle(tag);
    this.#options.written?.(tag);
    const purged = this.#options.purge(tag);
    // The write is the caller's business, and goes on without us.
    this.#options.background.run(LABEL, purged);
    await Promise.allSettled([purged]);
  }

  /** A write to the store with this tag has come by, here or elsewhere: from now on it has to settle anew. */
  settle(tag: string): void {
    const { clock, background, purge } = this.#options;
    this.#settling.get(tag)?.cancel();
    if (!this.#settling.has(tag) && this.#settling.size >= MOST_STORES) {
      this.#crowded = clock.elapsed() + SETTLING_MS;
      return;
    }
    const settled = () => {
      this.#settling.delete(tag);
      // What is still being written from a search of that time must not land either.
      background.run(LABEL, purge(tag));
    };
    this.#settling.set(tag, clock.after(SETTLING_MS, settled));
  }
}

const LABEL = 'invalidating the searches of a vector store';
const PREFIX = 'vector_store:';

/**
 * The tag of the vector store that a request of the API, with this path, may change: with any method that does not only read, at the
 * store or below it, unless it is a search. Undefined for all others.
 */
export function writtenStore(method: string, path: string): string | undefined {
  if (method === 'GET' || method === 'HEAD') return undefined;
  // Undefined for what decodes to no text: no search has such an id.
  const [root, ...rest] = path.slice(1).split('/').map(decode);
  // Azure's API has stores in both places.
  const below = root === 'openai' && rest[0] === 'v1' ? rest.slice(1) : rest;
  const [stores, id, ...deeper] = below;
  if (stores !== 'vector_stores' || id === undefined || id === '') return undefined;
  if (deeper.length === 1 && deeper[0] === 'search') return undefined;
  const tag = PREFIX + id;
  return isTag(tag) ? tag : undefined;
}
