import type { Clock } from '../shared/clock.ts';
import type { Soon } from '../shared/soon.ts';
import { unhurried } from '../shared/unhurried.ts';
import type { Entry } from './entry.ts';
import type { Listed } from './listed.ts';
import { type Lower, LowerTiers } from './lower-tiers.ts';
import type { MemoryTier } from './memory.ts';
import { Changes, Reads } from './reads.ts';
import type { StoreFigures } from './store-figures.ts';
import { successor } from './succession.ts';
import type { Cleared, Level, Tier, TierHealth } from './tier.ts';

/** An entry and the tier that held it. */
export interface Found {
  readonly entry: Entry;
  readonly level: Level;
}

/** How many more entries one request may add to L1: made by {@link Store.quota}, used up by `findMany` and `put`. */
export interface Quota {
  left: number;
}

/** What a store works with beside its tiers. */
export interface StoreOptions {
  /** With a clock look-ups below L1 are measured. */
  readonly clock?: Pick<Clock, 'elapsed'>;
  /** Whether all invalidations are known here that may concern what lies below L1: while they are not, nobody is served it. */
  readonly isCurrent?: () => boolean;
}

/**
 * The tiers as the request pipeline sees them: L1 in memory, below it any number of others, the fastest first. Nothing here throws:
 * what fails is a miss. Entries come back until their `keepUntil`; whether one is fresh is for the caller to judge.
 */
export class Store {
  readonly #memory: MemoryTier;
  readonly #lower: LowerTiers;
  readonly #reads = new Reads();
  readonly #isCurrent: () => boolean;

  constructor(memory: MemoryTier, lower: readonly Tier[] = [], options: StoreOptions = {}) {
    this.#memory = memory;
    this.#lower = new LowerTiers(lower, options.clock);
    this.#isCurrent = options.isCurrent ?? (() => true);
  }

  /** What one request may add to L1: a quarter of its entries, at least one. */
  quota(): Quota {
    return { left: Math.max(1, Math.floor(this.#memory.maxEntries / 4)) };
  }

  /** What L1 holds under `id`, at once; `now`, in milliseconds since the epoch, for who has just looked at the clock. */
  peek(id: string, now?: number): Found | undefined {
    const entry = this.#memory.get(id, now);
    if (entry === undefined) return undefined;
    this.#lower.touch(id, now);
    return { entry, level: 'l1' };
  }

  /** Whether this instance has something under `id`, of use or not, as far as that can be told at once. */
  holds(id: string): boolean {
    return this.#memory.has(id) || this.#lower.stampOf(id) > 0;
  }

  /** What L1 holds by now, without counting a second look. */
  held(id: string): Found | undefined {
    const entry = this.#memory.peek(id);
    return entry === undefined ? undefined : { entry, level: 'l1' };
  }

  /**
   * For an id that {@link peek} did not find: what the first of the lower tiers holds that has it, promoted to those above with its
   * times unchanged; at once where they answer at once. An entry that L1 got meanwhile wins.
   */
  find(id: string): Soon<Found | undefined> {
    return this.#isCurrent() ? this.#findIn(this.#lower.all, id, this.quota()) : this.held(id);
  }

  /**
   * For each of `ids` what any tier holds, at once where that is L1. Promotes no more than `quota`; `now` as for {@link peek}.
   */
  findMany(ids: readonly string[], quota = this.quota(), now?: number): Soon<readonly (Found | undefined)[]> {
    const found: (Found | undefined)[] = [];
    let isWhole = true;
    for (const id of ids) {
      const held = this.peek(id, now);
      found.push(held);
      if (held === undefined) isWhole = false;
    }
    return isWhole || !this.#isCurrent() ? found : this.#findBelow(ids, found, quota);
  }

  /** Whether other instances put entries where this one finds them. */
  get isShared(): boolean {
    return this.#lower.shared !== undefined;
  }

  /**
   * What other instances have put, under the ids of `old` entries that are of no use here, that is younger than those, by id; copied
   * into the tiers of this instance like what {@link findMany} finds.
   */
  async findYounger(old: readonly Entry[], quota: Quota): Promise<ReadonlyMap<string, Found>> {
    const found = new Map<string, Found>();
    const { shared: lower } = this.#lower;
    if (lower === undefined || !this.#isCurrent()) return found;
    const ids = old.map(({ key }) => key.id);
    return await this.#reads.during(async (changed) => {
      const value = await this.#lower.read(lower, (tier) => tier.getMany(ids));
      for (const { key, born } of old) {
        const entry = value?.get(key.id);
        if (entry === undefined || entry.born <= born || changed.has(key.id)) continue;
        this.#promote(entry, lower, quota);
        found.set(key.id, { entry, level: lower.tier.level });
      }
      return found;
    });
  }

  /** Resolves when what was put under these ids can be found by other instances, or will not be. */
  async written(ids: readonly string[]): Promise<void> {
    await this.#lower.each((tier) => tier.written?.(ids));
  }

  /**
   * Takes `entries`, those of one request, each unless there is one that was asked for later. What exceeds `quota` goes to the
   * lower tiers only.
   */
  put(entries: readonly Entry[], quota: Quota = this.quota()): void {
    for (const given of entries) {
      const held = this.#memory.peek(given.key.id);
      const entry = successor(given, held);
      // Below there may be one that was asked for later: it may have found no room in L1, or been evicted from it.
      if (entry === held || this.#lower.stampOf(entry.key.id) > entry.stamp) continue;
      this.#reads.change(entry.key.id, 'here');
      this.#admit(entry, quota);
      this.#lower.put(entry);
    }
  }

  /** Forgets the entry in every tier, also one that is being read at this moment. */
  delete(id: string): void {
    this.#forget(id, false);
  }

  /** Forgets an entry that is invalid in the tiers of this instance: what others share under its id may be a newer one. */
  bury(id: string): void {
    this.#forget(id, true);
  }

  /** Forgets what L1 has of an entry, or is just getting, and no other tier: elsewhere there is a newer one. */
  outdate(id: string): void {
    this.#reads.change(id, 'elsewhere');
    this.#memory.delete(id);
  }

  /** The tiers there are, the fastest first. */
  get levels(): readonly Level[] {
    return this.#tiers().map(({ level }) => level);
  }

  /** Drops the copies that a tier has of these entries, and no other: what another tier has, too, lives on there. */
  async drop(level: Level, entries: Iterable<Listed>): Promise<Cleared> {
    const tier: Tier | undefined = level === 'l1' ? this.#memory : this.#lower.of(level);
    if (tier?.clear !== undefined)
      return (await this.#lower.try(() => tier.clear?.())) ?? { cleared: 0, freedBytes: 0 };
    const dropped = [...entries];
    await unhurried(dropped, ({ key }) => void this.#lower.attempt(() => tier?.delete(key.id)));
    return { cleared: dropped.length, freedBytes: dropped.reduce((sum, { size }) => sum + size, 0) };
  }

  /** Drops, in every tier, what is past its `keepUntil`. */
  async sweep(): Promise<void> {
    await this.#memory.sweep();
    await this.#lower.each((tier) => tier.sweep());
  }

  /** Whether each tier works. */
  health(): Readonly<Partial<Record<Level, TierHealth>>> {
    return Object.fromEntries(this.#tiers().map((tier) => [tier.level, tier.health()]));
  }

  /** What each tier tells of itself, and what look-ups came to since the start. */
  figures(): StoreFigures {
    const levels = Object.fromEntries(this.#tiers().map((tier) => [tier.level, tier.figures()]));
    const { lookups, promotions, faults } = this.#lower;
    return { levels, lookups: { l1: this.#memory.lookups, ...lookups }, promotions, faults };
  }

  /** Writes what is queued and lets go of files and connections. */
  async close(): Promise<void> {
    await this.#lower.each((tier) => tier.close());
    await this.#memory.close();
  }

  #tiers(): readonly Tier[] {
    return [this.#memory, ...this.#lower.all.map(({ tier }) => tier)];
  }

  /** Of `ids`, for which L1 holds what was `found`, all that any tier holds. */
  async #findBelow(
    ids: readonly string[],
    inMemory: readonly (Found | undefined)[],
    quota: Quota,
  ): Promise<readonly (Found | undefined)[]> {
    const found = new Map<string, Found>();
    for (const held of inMemory) if (held !== undefined) found.set(held.entry.key.id, held);
    const wanted = new Set(ids);
    return await this.#reads.during(async (changed) => {
      let missing = [...wanted].filter((id) => !found.has(id));
      for (const lower of this.#lower.all) {
        if (missing.length === 0) break;
        const asked = missing;
        const value = await this.#lower.read(lower, (tier) => tier.getMany(asked));
        missing = [];
        for (const id of asked) {
          const settled = this.#settle(id, value?.get(id), lower, changed, quota);
          if (settled !== undefined) found.set(id, settled);
          else if (!changed.has(id)) missing.push(id);
        }
      }
      // Nor is what others have just said more of absent.
      for (const id of wanted) {
        if (found.has(id) || !changed.elsewhere.has(id)) continue;
        const newer = await this.#findIn(this.#lower.all, id, quota);
        if (newer !== undefined) found.set(id, newer);
      }
      // What L1 had may have been replaced meanwhile.
      for (const id of found.keys()) if (changed.has(id)) replace(found, id, this.held(id));
      return ids.map((id) => found.get(id));
    });
  }

  /** What the first of these tiers holds that has it. Of what was changed elsewhere meanwhile the newer version is looked for. */
  #findIn(
    [lower, ...others]: readonly Lower[],
    id: string,
    quota: Quota,
    looks = 1,
  ): Soon<Found | undefined> {
    if (lower === undefined) return this.held(id);
    const goOn = (entry: Entry | undefined, changed: Changes) => {
      const settled = this.#settle(id, entry, lower, changed, quota);
      if (settled !== undefined) return settled;
      if (!changed.has(id)) return this.#findIn(others, id, quota, looks);
      const goesOn = changed.elsewhere.has(id) && looks < MOST_LOOKS;
      return goesOn ? this.#findIn(this.#lower.all, id, quota, looks + 1) : undefined;
    };
    const asked = this.#lower.read(lower, (tier) => tier.get(id));
    // What is answered at once needs no fence: nothing comes in between.
    return asked instanceof Promise
      ? this.#reads.during(async (changed) => await goOn(await asked, changed))
      : goOn(asked, UNCHANGED);
  }

  /** What to answer for `id` once a lower tier has answered `entry`: those above it get a copy. */
  #settle(
    id: string,
    entry: Entry | undefined,
    lower: Lower,
    changed: ReadonlySet<string>,
    quota: Quota,
  ): Found | undefined {
    const held = this.held(id);
    if (held !== undefined || entry === undefined || changed.has(id)) return held;
    this.#promote(entry, lower, quota);
    return { entry, level: lower.tier.level };
  }

  /** Copies what a lower tier holds into those above it. */
  #promote(entry: Entry, lower: Lower, quota: Quota): void {
    this.#lower.put(entry, lower);
    if (this.#admit(entry, quota) || lower !== this.#lower.all[0]) lower.promotions++;
  }

  /** Puts the entry into L1 if it replaces one there or the quota has room. */
  #admit(entry: Entry, quota: Quota): boolean {
    const replaces = this.#memory.has(entry.key.id);
    if (!replaces && quota.left <= 0) return false;
    if (!replaces) quota.left--;
    return this.#memory.set(entry);
  }

  #forget(id: string, own: boolean): void {
    this.#reads.change(id, 'here');
    this.#memory.delete(id);
    this.#lower.delete(id, { own });
  }
}

/** Each time others have just said more of it. */
const MOST_LOOKS = 10;

const UNCHANGED = new Changes();

function replace(found: Map<string, Found>, id: string, now: Found | undefined): void {
  if (now === undefined) found.delete(id);
  else found.set(id, now);
}
