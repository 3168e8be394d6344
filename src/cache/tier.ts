import type { Entry } from './entry.ts';

/** A tier's name on the wire. */
export type Level = 'l1' | 'l2' | 'l3';

/** What clearing came to. */
export interface Cleared {
  /** Entries, or copies of entries where one level was cleared. */
  readonly cleared: number;
  /** Bytes of their bodies. */
  readonly freedBytes: number;
}

/** What a tier has counted since it was opened, and what it holds now. */
export interface TierFigures {
  /** Absent, like the bytes, where others write to it as well, and nobody counts. */
  readonly entries?: number;
  readonly bytes?: number;
  /** Absent where only bytes are bounded. */
  readonly maxEntries?: number;
  readonly maxBytes?: number;
  /** Of how many, each with its part of the bounds, these are the sums; absent: of one. */
  readonly caches?: number;
  readonly hits: number;
  readonly misses: number;
  /** Entries dropped to keep within a bound. */
  readonly evictions: number;
  /** Those of them whose ttl was not over. */
  readonly unexpired: number;
  /** Entries dropped because they could no longer be served. */
  readonly expirations: number;
  /** Reads and writes that failed or found damage; each was a miss to the caller. */
  readonly faults: number;
  /** Absent where entries are taken at once. */
  readonly queue?: QueueFigures | undefined;
  /** Absent where nothing is compressed. */
  readonly compression?: CompressionFigures | undefined;
}

/** The figures of a tier that only this process writes to. */
export interface OwnFigures extends TierFigures {
  readonly entries: number;
  readonly bytes: number;
  readonly maxBytes: number;
}

/** The figures of a tier that holds nothing, and that nobody has asked for anything. */
export const NO_FIGURES: OwnFigures = {
  entries: 0,
  bytes: 0,
  maxBytes: 0,
  hits: 0,
  misses: 0,
  evictions: 0,
  unexpired: 0,
  expirations: 0,
  faults: 0,
};

/** What waits to be written: beyond `maxBytes` the oldest is given up. */
export interface QueueFigures {
  readonly bytes: number;
  readonly maxBytes: number;
}

/** What compression has come to since the tier was opened. */
export interface CompressionFigures {
  readonly codec: string;
  /** Bytes of the bodies that were to be compressed, and of the records they became. */
  readonly rawBytes: number;
  readonly storedBytes: number;
}

/** Whether a tier works; `degraded` says why in words an operator can act on. */
export type TierHealth = { readonly state: 'ok' } | { readonly state: 'degraded'; readonly reason: string };

/**
 * A place entries live in. A tier never throws and never computes a time: a fault is a miss, a counter and a degraded
 * health. An entry past its `keepUntil` is not returned.
 */
export interface Tier {
  readonly level: Level;
  /** Whether other instances read and write it, too. */
  readonly isShared?: boolean;
  /** The entry under `id`, or undefined. Memory answers at once, other tiers may answer later. */
  get(id: string): Entry | undefined | Promise<Entry | undefined>;
  /** Those of `ids` that it holds, found in one pass. */
  getMany(ids: readonly string[]): Promise<ReadonlyMap<string, Entry>>;
  /**
   * When the entry that a `get` right now would find under `id` was asked for, by its stamp; 0 where there is none. Absent where that
   * cannot be told at once.
   */
  stampOf?(id: string): number;
  /**
   * Takes the entry, unless it holds one that was asked for later (`stamp`); a `get` right after it finds it, also where writing
   * happens later. Of one answer that comes twice, with different tags, no tag is lost that is still to be written.
   */
  set(entry: Entry): void;
  /** Forgets the entry; a `get` right after it finds nothing. */
  delete(id: string): void;
  /** Told that a tier above has just served the entry, at `now` (milliseconds since the epoch) if that is known: it is in use here, too. */
  touch(id: string, now?: number): void;
  /** Drops what is past its `keepUntil`, a little at a time. */
  sweep(): Promise<void>;
  /** Of a shared tier: resolves when what was put under these ids before can be found by the others, or will not be. */
  written?(ids: readonly string[]): Promise<void>;
  /** Of a shared tier, of which no list is kept: drops everything. */
  clear?(): Promise<Cleared>;
  figures(): TierFigures;
  health(): TierHealth;
  /** Writes what is queued and lets go of files and connections. */
  close(): Promise<void>;
}
