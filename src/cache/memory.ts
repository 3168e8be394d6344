import { LRUCache } from 'lru-cache';
import type { Clock } from '../shared/clock.ts';
import { Histogram } from '../shared/histogram.ts';
import { isOver } from '../shared/life.ts';
import { chargeOf, type Entry } from './entry.ts';
import { listedOf, UNWATCHED, type Watch } from './listed.ts';
import { inOwnMemory } from './own-memory.ts';
import { MEASURED, PER_MS } from './store-figures.ts';
import { successor } from './succession.ts';
import type { OwnFigures, Tier, TierHealth } from './tier.ts';

/** What bounds L1. */
export interface MemoryLimits {
  readonly maxEntries: number;
  /** Bytes as {@link chargeOf} counts them. */
  readonly maxBytes: number;
}

/** L1: the entries used last, in this process's memory. Answers at once. */
export class MemoryTier implements Tier {
  readonly level = 'l1';
  readonly maxEntries: number;
  readonly #entries: LRUCache<string, Entry>;
  readonly #maxBytes: number;
  readonly #clock: Clock;
  readonly #watch: Watch;
  /** How long look-ups took, of which one in {@link MEASURED} is measured: to look at the clock takes as long as to look up. */
  readonly lookups = new Histogram();
  #looks = 0;
  /** Those of the entry that came last. */
  #latestTags: Entry['tags'] = [];
  #hits = 0;
  #misses = 0;
  #evictions = 0;
  #unexpired = 0;
  #expirations = 0;

  constructor(limits: MemoryLimits, clock: Clock, watch: Watch = UNWATCHED) {
    this.maxEntries = limits.maxEntries;
    this.#maxBytes = limits.maxBytes;
    this.#clock = clock;
    this.#watch = watch;
    // No ttl in it: our times are absolute and judged elsewhere, and its timers cost three times a plain set (measured).
    this.#entries = new LRUCache({
      max: limits.maxEntries,
      maxSize: limits.maxBytes,
      dispose: (entry, id, reason) => {
        if (reason === 'evict') this.#evictions++;
        if (reason === 'evict' && entry.freshUntil > clock.now()) this.#unexpired++;
        if (reason !== 'set') watch.dropped(id);
      },
    });
  }

  /** What is held under `id` at `now`, in milliseconds since the epoch. */
  get(id: string, now = this.#clock.now()): Entry | undefined {
    this.#looks += 1;
    if (this.#looks % MEASURED !== 0) return this.#recall(id, now);
    const began = this.#clock.elapsed();
    const entry = this.#recall(id, now);
    this.lookups.record((this.#clock.elapsed() - began) * PER_MS);
    return entry;
  }

  async getMany(ids: readonly string[]): Promise<ReadonlyMap<string, Entry>> {
    const found = new Map<string, Entry>();
    for (const id of ids) {
      const entry = this.get(id);
      if (entry !== undefined) found.set(id, entry);
    }
    return found;
  }

  /** What is held under `id`, without counting as a look-up or as use. */
  peek(id: string): Entry | undefined {
    const entry = this.#entries.peek(id);
    return entry !== undefined && !isOver(entry, this.#clock.now()) ? entry : undefined;
  }

  /** Whether setting an entry under `id` would replace one. */
  has(id: string): boolean {
    return this.#entries.has(id);
  }

  /** Takes the entry and says so; one larger than all of L1 is refused, and what it would have replaced is gone. */
  set(given: Entry): boolean {
    const held = this.peek(given.key.id);
    const entry = successor(given, held);
    if (entry === held) return true;
    const size = chargeOf(entry);
    if (size > this.#maxBytes) {
      this.#entries.delete(entry.key.id);
      return false;
    }
    const own = inOwnMemory(entry, this.#latestTags);
    this.#latestTags = own.tags;
    // What is listed has its tags in common with it.
    this.#watch.held(listedOf(own));
    this.#entries.set(own.key.id, own, { size });
    return true;
  }

  delete(id: string): void {
    this.#entries.delete(id);
  }

  touch(id: string): void {
    this.#entries.get(id);
  }

  async sweep(): Promise<void> {
    const now = this.#clock.now();
    for (const [id, entry] of this.#entries.entries()) {
      if (isOver(entry, now)) this.#expire(id);
    }
  }

  figures(): OwnFigures {
    return {
      entries: this.#entries.size,
      bytes: this.#entries.calculatedSize,
      maxEntries: this.maxEntries,
      maxBytes: this.#maxBytes,
      hits: this.#hits,
      misses: this.#misses,
      evictions: this.#evictions,
      unexpired: this.#unexpired,
      expirations: this.#expirations,
      faults: 0,
    };
  }

  health(): TierHealth {
    return { state: 'ok' };
  }

  async close(): Promise<void> {
    this.#entries.clear();
  }

  #recall(id: string, now: number): Entry | undefined {
    const entry = this.#entries.get(id);
    if (entry !== undefined && !isOver(entry, now)) {
      this.#hits++;
      return entry;
    }
    this.#misses++;
    if (entry !== undefined) this.#expire(id);
    return undefined;
  }

  #expire(id: string): void {
    this.#entries.delete(id);
    this.#expirations++;
  }
}
