import type { Counts } from './counts.ts';
import type { Savings } from './savings.ts';
import type { Tally } from './tally.ts';

/** Two percentiles of durations, in microseconds. */
export interface Middle {
  readonly p50: number;
  readonly p95: number;
}

/** What was counted in a minute. */
export interface Minute {
  /** When it ended, in milliseconds since the epoch. */
  readonly at: number;
  readonly counts: Counts;
  readonly saved: Savings;
  /** Undefined where there was none. */
  readonly hit: Middle | undefined;
  readonly miss: Middle | undefined;
}

/** The most minutes that are kept: a day. */
export const MOST_MINUTES = 1_440;

/** What was counted minute by minute in the last day, for lines over time. Of its durations a minute keeps the percentiles only. */
export class Series {
  readonly #minutes: Minute[] = [];

  /** A minute has ended, now: takes what it came to. */
  add({ counts, saved, durations }: Tally, now: number): void {
    this.#minutes.push({
      at: now,
      counts,
      saved,
      hit: middleOf(durations.hit),
      miss: middleOf(durations.miss),
    });
    if (this.#minutes.length > MOST_MINUTES) this.#minutes.shift();
  }

  /** The last `most` minutes that have ended, the oldest first. */
  latest(most: number): readonly Minute[] {
    return this.#minutes.slice(-most);
  }
}

function middleOf(histogram: Tally['durations']['hit']): Middle | undefined {
  if (histogram.count === 0) return undefined;
  return { p50: histogram.percentile(0.5), p95: histogram.percentile(0.95) };
}
