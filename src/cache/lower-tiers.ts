import type { Clock } from '../shared/clock.ts';
import { Histogram } from '../shared/histogram.ts';
import { orElse, type Soon, whenThere } from '../shared/soon.ts';
import type { Entry } from './entry.ts';
import { PER_MS } from './store-figures.ts';
import type { Level, Tier } from './tier.ts';

/** A tier below L1, and what is counted of it. */
export interface Lower {
  readonly tier: Tier;
  /** How long look-ups took, in units of 10 ns. */
  readonly lookups: Histogram;
  promotions: number;
}

/** The tiers below L1, the fastest first. No call throws, though a tier should not either: what fails is counted. */
export class LowerTiers {
  readonly all: readonly Lower[];
  readonly #clock: Pick<Clock, 'elapsed'> | undefined;
  #faults = 0;

  /** With a clock look-ups are measured. */
  constructor(tiers: readonly Tier[], clock: Pick<Clock, 'elapsed'> | undefined) {
    this.all = tiers.map((tier) => ({ tier, lookups: new Histogram(), promotions: 0 }));
    this.#clock = clock;
  }

  /** Calls in which one threw all the same; each was a miss or a lost write. */
  get faults(): number {
    return this.#faults;
  }

  /** How long look-ups took in each. */
  get lookups(): Readonly<Partial<Record<Level, Histogram>>> {
    return Object.fromEntries(this.all.map(({ tier, lookups }) => [tier.level, lookups]));
  }

  /** How many entries of each were copied to those above it. */
  get promotions(): Readonly<Partial<Record<Level, number>>> {
    return Object.fromEntries(this.all.map(({ tier, promotions }) => [tier.level, promotions]));
  }

  /** The one that other instances read and write, too. */
  get shared(): Lower | undefined {
    return this.all.find(({ tier }) => tier.isShared === true);
  }

  /** The one of this level. */
  of(level: Level): Tier | undefined {
    return this.all.find(({ tier }) => tier.level === level)?.tier;
  }

  /** What a tier answers, measured, at once where it does so; undefined if it fails. */
  read<T>({ tier, lookups }: Lower, ask: (tier: Tier) => Soon<T | undefined>): Soon<T | undefined> {
    const began = this.#clock?.elapsed();
    const asked = orElse<T | undefined>(
      () => ask(tier),
      () => this.#failed(),
    );
    return whenThere(asked, (value) => {
      if (began !== undefined) lookups.record(((this.#clock?.elapsed() ?? began) - began) * PER_MS);
      return value;
    });
  }

  /** When the latest answer that any of them holds under `id` was asked for, as far as that can be told at once; 0 for none. */
  stampOf(id: string): number {
    let latest = 0;
    for (const { tier } of this.all)
      this.attempt(() => {
        latest = Math.max(latest, tier.stampOf?.(id) ?? 0);
      });
    return latest;
  }

  /** Puts the entry into every tier, or into those above one. */
  put(entry: Entry, above?: Lower): void {
    for (const lower of this.all) {
      if (lower === above) return;
      // What it would have replaced must not come back where the tier fails to take it.
      if (!this.attempt(() => lower.tier.set(entry))) this.attempt(() => lower.tier.delete(entry.key.id));
    }
  }

  /** Forgets the entry in every tier, or in those of this instance alone. */
  delete(id: string, { own }: { readonly own: boolean }): void {
    for (const { tier } of this.all) if (!own || tier.isShared !== true) this.attempt(() => tier.delete(id));
  }

  /** Tells every tier that the entry is in use; `now`, in milliseconds since the epoch, for who knows it. */
  touch(id: string, now?: number): void {
    for (const { tier } of this.all) this.attempt(() => tier.touch(id, now));
  }

  /** Does this with one tier after the other. */
  async each(work: (tier: Tier) => void | Promise<void>): Promise<void> {
    for (const { tier } of this.all) await this.try(() => work(tier));
  }

  /** What `ask` comes to; undefined if it fails. */
  async try<T>(ask: () => T | Promise<T>): Promise<T | undefined> {
    return await orElse<T | undefined>(ask, () => this.#failed());
  }

  /** Whether `call` went well. */
  attempt(call: () => void): boolean {
    try {
      call();
      return true;
    } catch {
      this.#failed();
      return false;
    }
  }

  #failed(): undefined {
    this.#faults++;
    return undefined;
  }
}
