import type { Background } from '../shared/background.ts';
import { decode } from '../shared/path-pattern.ts';
import { isTag } from '../shared/tag.ts';
import { STORE_PREFIX } from './settling-stores.ts';

/** What dropping a store's searches takes. */
export interface VectorStoreWritesOptions {
  readonly background: Background;
  /** Resolves when nothing with this tag that was asked for before is served any more, also after a crash; rejects if it may be. */
  readonly purge: (tag: string) => Promise<void>;
}

/**
 * What passes through to change a vector store: its searches are dropped when such a write arrives, since it may take effect at
 * any moment from then on, and when it has been answered. From these purges everybody knows that the store is to settle
 * (`settling-stores.ts`).
 */
export class VectorStoreWrites {
  readonly #options: VectorStoreWritesOptions;

  constructor(options: VectorStoreWritesOptions) {
    this.#options = options;
  }

  /**
   * Forwards a request that may change the store with this tag. `forward` is given what has to be awaited before the caller hears the
   * upstream's answer; without an answer, too, the write may have been carried out.
   */
  async around(tag: string, forward: (answered: () => Promise<void>) => Promise<void>): Promise<void> {
    let isAnswered = false;
    await this.#written(tag);
    try {
      await forward(() => {
        isAnswered = true;
        return this.#written(tag);
      });
    } finally {
      if (!isAnswered) await this.#written(tag);
    }
  }

  async #written(tag: string): Promise<void> {
    const { purge, background } = this.#options;
    const purged = purge(tag);
    // The write is the caller's business, and goes on without us.
    background.run(LABEL, purged);
    await Promise.allSettled([purged]);
  }
}

const LABEL = 'invalidating the searches of a vector store';

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
  const tag = STORE_PREFIX + id;
  return isTag(tag) ? tag : undefined;
}
