import type { Condition } from './condition.ts';
import type { Key, Times } from './entry.ts';

/** An entry without its payload. */
export interface Listed extends Times {
  readonly key: Key;
  readonly tags: readonly string[];
  /** Bytes of its body. */
  readonly size: number;
}

/** A page of entries, in the order of their ids. */
export interface Page {
  readonly entries: readonly Listed[];
  /** Where the next page begins; undefined after the last. */
  readonly cursor: string | undefined;
}

/** What lies in the tiers, each entry once. For people and figures; what may be served never depends on it. */
export interface Catalog {
  /** At most `limit` of the entries meant, after `cursor`; of all where `condition` is undefined. */
  page(condition: Condition | undefined, limit: number, cursor: string | undefined): Page;
  /** The entry with this shown key. */
  get(shown: string): Listed | undefined;
}
