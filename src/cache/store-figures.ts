import type { Histogram } from '../shared/histogram.ts';
import type { Level, TierFigures } from './tier.ts';

/** Of how many look-ups in memory one is measured. */
export const MEASURED = 32;

/** Units of look-up times in a millisecond. */
export const PER_MS = 100_000;

/** What the store has counted since it was opened. */
export interface StoreFigures {
  readonly levels: Readonly<Partial<Record<Level, TierFigures>>>;
  /** Entries copied into the tiers above, by the one that held them. */
  readonly promotions: Readonly<Partial<Record<Level, number>>>;
  /** How long look-ups took, in units of 10 ns; in memory one of {@link MEASURED} is measured. */
  readonly lookups: Readonly<Partial<Record<Level, Histogram>>>;
  /** Calls in which a tier threw although no tier may; each was a miss or a lost write. */
  readonly faults: number;
}
