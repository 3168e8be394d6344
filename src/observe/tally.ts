import { Histogram } from '../shared/histogram.ts';
import { Counts } from './counts.ts';
import { Savings } from './savings.ts';

/** The durations that are kept, all in microseconds: answers from the cache by where they came from, and what the rest waited for. */
const DURATIONS = ['hit', 'hit_l1', 'hit_l2', 'hit_l3', 'miss', 'upstream', 'ttfb', 'added'] as const;

/** The name of a duration. */
export type DurationName = (typeof DURATIONS)[number];

/** What was counted in a span of time. */
export class Tally {
  readonly counts = new Counts();
  readonly saved = new Savings();
  /** What types in mode `shadow` would have saved. */
  readonly shadow = new Savings();
  readonly durations: Readonly<Record<DurationName, Histogram>> = {
    hit: new Histogram(),
    hit_l1: new Histogram(),
    hit_l2: new Histogram(),
    hit_l3: new Histogram(),
    miss: new Histogram(),
    upstream: new Histogram(),
    ttfb: new Histogram(),
    added: new Histogram(),
  };

  /** Adds what was counted in another span of time. */
  add(other: Tally): void {
    this.counts.add(other.counts);
    this.saved.add(other.saved);
    this.shadow.add(other.shadow);
    for (const name of DURATIONS) this.durations[name].add(other.durations[name]);
  }
}
