import type { Clock } from '../shared/clock.ts';
import { Histogram } from '../shared/histogram.ts';
import type { Entry } from './entry.ts';
import type { Listed } from './listed.ts';
import type { MemoryTier } from './memory.ts';
import { successor } from './succession.ts';
import type { Level, Tier, TierFigures, TierHealth } from './tier.ts';

/** An entry and the tier that held it. */
export interface Found {
  readonly entry: Entry;
  readonly level: Level;
}

/** How many more entries one request may add to L1: made by {@link Store.quota}, used up by `findMany` and `put`. */
export interface Quota {
  left: number;
}

/** What the store has counted since it was opened. */
export interface StoreFigures {
  readonly levels: Readonly<Partial<Record<Level, TierFigures>>>;
  /** Entries copied into L1 because the lower tier held them. */
  readonly promotions: number;
  /** How long look-ups took, in units of 10 ns; in memory one of {@link MEASURED} is measured. */
  readonly lookups: Readonly<Partial<Record<Level, Histogram>>>;
  /** Calls in which a tier threw although no tier may; each was a miss or a lost write. */
  readonly faults: number;
}

/** Of how many look-ups in memory one is measured. */
const MEASURED = 32;
/** Units of look-up times in a millisecond. */
const PER_MS = 100_000;

/**
 * The tiers as the request pipeline sees them: L1 in memory, below it L2 where there is one. Nothing here throws: what
 * fails is a miss. Entries come back until their `keepUntil`; whether one is fresh is for the caller to judge.
 */
export class Store {
  readonly #memory: MemoryTier;
  readonly #lower: Tier | undefined;
  /** For each read of the lower tier under way, the ids put or deleted since it began: what it reads of those is old. */
  readonly #reads = new Set<Set<string>>();
  readonly #clock: Pick<Clock, 'elapsed'> | undefined;
  readonly #upperLookups = new Histogram();
  readonly #lowerLookups = new Histogram();
  #looks = 0;
  #promotions = 0;
  #faults = 0;

  /** With a clock look-ups are measured. */
  constructor(memory: MemoryTier, lower?: Tier, clock?: Pick<Clock, 'elapsed'>) {
    this.#memory = memory;
    this.#lower = lower;
    this.#clock = clock;
  }

  /** What one request may add to L1: a quarter of its entries, at least one. */
  quota(): Quota {
    return { left: Math.max(1, Math.floor(this.#memory.maxEntries / 4)) };
  }

  /** What L1 holds under `id`, at once. */
  peek(id: string): Found | undefined {
    const entry = this.#recall(id);
    if (entry === undefined) return undefined;
    this.#attempt(() => this.#lower?.touch(id));
    return { entry, level: 'l1' };
  }

  /** What L1 holds by now, without counting a second look. */
  held(id: string): Found | undefined {
    const entry = this.#memory.peek(id);
    return entry === undefined ? undefined : { entry, level: 'l1' };
  }

  /**
   * For an id that {@link peek} did not find: what the lower tier holds, promoted to L1 with its times unchanged; at once where
   * that tier answers at once. An entry that L1 got meanwhile wins.
   */
  find(id: string): Found | undefined | Promise<Found | undefined> {
    const lower = this.#lower;
    if (lower === undefined) return this.held(id);
    const began = this.#clock?.elapsed();
    let asked: Entry | undefined | Promise<Entry | undefined>;
    try {
      asked = lower.get(id);
    } catch {
      this.#faults++;
    }
    if (asked instanceof Promise) return this.#findLater(id, lower.level, asked, began);
    this.#took(began, this.#lowerLookups);
    return this.#settle(id, asked, lower.level, UNCHANGED, this.quota());
  }

  /** All of `ids` that any tier holds, by id; the lower tier is asked once. Promotes no more than `quota` allows. */
  async findMany(ids: readonly string[], quota: Quota = this.quota()): Promise<ReadonlyMap<string, Found>> {
    const found = new Map<string, Found>();
    const missing: string[] = [];
    for (const id of new Set(ids)) {
      const held = this.peek(id);
      if (held === undefined) missing.push(id);
      else found.set(id, held);
    }
    const lower = this.#lower;
    if (lower === undefined || missing.length === 0) return found;
    const { value, changed } = await this.#read(() => lower.getMany(missing), this.#lowerLookups);
    // What L1 had may have been replaced meanwhile.
    for (const id of found.keys()) if (changed.has(id)) replace(found, id, this.held(id));
    for (const id of missing) {
      const settled = this.#settle(id, value?.get(id), lower.level, changed, quota);
      if (settled !== undefined) found.set(id, settled);
    }
    return found;
  }

  /**
   * Takes `entries`, those of one request, each unless there is one that was asked for later. What exceeds `quota` goes to the
   * lower tier only.
   */
  put(entries: readonly Entry[], quota: Quota = this.quota()): void {
    for (const given of entries) {
      const held = this.#memory.peek(given.key.id);
      const entry = successor(given, held);
      if (entry === held) continue;
      this.#fence(entry.key.id);
      this.#admit(entry, quota);
      // What it would have replaced must not come back where the tier fails to take it.
      if (!this.#attempt(() => this.#lower?.set(entry)))
        this.#attempt(() => this.#lower?.delete(entry.key.id));
    }
  }

  /** Forgets the entry in every tier, also one that is being read at this moment. */
  delete(id: string): void {
    this.#fence(id);
    this.#memory.delete(id);
    this.#attempt(() => this.#lower?.delete(id));
  }

  /** The tiers there are, the fastest first. */
  get levels(): readonly Level[] {
    return this.#lower === undefined ? ['l1'] : ['l1', this.#lower.level];
  }

  /** Drops the copies that a tier has of these entries, and no other: what another tier has, too, lives on there. */
  async drop(level: Level, entries: Iterable<Listed>): Promise<{ cleared: number; freedBytes: number }> {
    const tier = level === 'l1' ? this.#memory : this.#lower;
    let cleared = 0;
    let freedBytes = 0;
    for (const { key, size } of [...entries]) {
      this.#attempt(() => tier?.delete(key.id));
      cleared += 1;
      freedBytes += size;
    }
    return { cleared, freedBytes };
  }

  /** Drops, in every tier, what is past its `keepUntil`. */
  async sweep(): Promise<void> {
    await this.#memory.sweep();
    await this.#read(() => this.#lower?.sweep());
  }

  /** Whether each tier works. */
  health(): Readonly<Partial<Record<Level, TierHealth>>> {
    const health: Partial<Record<Level, TierHealth>> = { l1: this.#memory.health() };
    if (this.#lower !== undefined) health[this.#lower.level] = this.#lower.health();
    return health;
  }

  figures(): StoreFigures {
    const levels: Partial<Record<Level, TierFigures>> = { l1: this.#memory.figures() };
    if (this.#lower !== undefined) levels[this.#lower.level] = this.#lower.figures();
    const lookups: Partial<Record<Level, Histogram>> = { l1: this.#upperLookups };
    if (this.#lower !== undefined) lookups[this.#lower.level] = this.#lowerLookups;
    return { levels, lookups, promotions: this.#promotions, faults: this.#faults };
  }

  /** Writes what is queued and lets go of files. */
  async close(): Promise<void> {
    await this.#read(() => this.#lower?.close());
    await this.#memory.close();
  }

  /** What L1 holds, counted; now and then measured too, for to look at the clock takes as long as to look up. */
  #recall(id: string): Entry | undefined {
    this.#looks += 1;
    if (this.#clock === undefined || this.#looks % MEASURED !== 0) return this.#memory.get(id);
    const began = this.#clock.elapsed();
    const entry = this.#memory.get(id);
    this.#upperLookups.record((this.#clock.elapsed() - began) * PER_MS);
    return entry;
  }

  async #findLater(
    id: string,
    level: Level,
    asked: Promise<Entry | undefined>,
    began: number | undefined,
  ): Promise<Found | undefined> {
    const { value, changed } = await this.#read(() => asked, this.#lowerLookups, began);
    return this.#settle(id, value, level, changed, this.quota());
  }

  /** What `ask` answers, and the ids put or deleted while it did; undefined if it fails. */
  async #read<T>(
    ask: () => T | Promise<T>,
    took?: Histogram,
    began = this.#clock?.elapsed(),
  ): Promise<{ value: T | undefined; changed: ReadonlySet<string> }> {
    const changed = new Set<string>();
    this.#reads.add(changed);
    try {
      return { value: await ask(), changed };
    } catch {
      this.#faults++;
      return { value: undefined, changed };
    } finally {
      this.#took(began, took);
      this.#reads.delete(changed);
    }
  }

  #took(began: number | undefined, took: Histogram | undefined): void {
    if (began !== undefined) took?.record(((this.#clock?.elapsed() ?? began) - began) * PER_MS);
  }

  /** What to answer for `id` once the lower tier has answered `entry`. */
  #settle(
    id: string,
    entry: Entry | undefined,
    level: Level,
    changed: ReadonlySet<string>,
    quota: Quota,
  ): Found | undefined {
    const held = this.held(id);
    if (held !== undefined || entry === undefined || changed.has(id)) return held;
    if (this.#admit(entry, quota)) this.#promotions++;
    return { entry, level };
  }

  /** Puts the entry into L1 if it replaces one there or the quota has room. */
  #admit(entry: Entry, quota: Quota): boolean {
    const replaces = this.#memory.has(entry.key.id);
    if (!replaces && quota.left <= 0) return false;
    if (!replaces) quota.left--;
    return this.#memory.set(entry);
  }

  #fence(id: string): void {
    for (const changed of this.#reads) changed.add(id);
  }

  /** Whether `call` went well. */
  #attempt(call: () => void): boolean {
    try {
      call();
      return true;
    } catch {
      this.#faults++;
      return false;
    }
  }
}

/** What is read at once, nothing has changed since. */
const UNCHANGED: ReadonlySet<string> = new Set();

function replace(found: Map<string, Found>, id: string, now: Found | undefined): void {
  if (now === undefined) found.delete(id);
  else found.set(id, now);
}
