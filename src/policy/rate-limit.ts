import { type Cell, ownCell } from '../shared/cell.ts';
import type { Clock } from '../shared/clock.ts';
import type { Rate } from '../shared/units.ts';

/**
 * A limit as a bucket of tokens: full it holds `calls`, and it fills at that pace, so that a caller may come in a burst and
 * never gets more than the rate in the long run. What is kept of it is one number, when it will be full again (as in GCRA,
 * ITU-T I.371), so that threads can have one bucket.
 */
export class RateLimit {
  readonly #rate: Rate;
  readonly #clock: Clock;
  /** Monotonic milliseconds. */
  readonly #fullAt: Cell;

  /** `fullAt` is a cell with 0, which all have that count against this limit, by one clock. */
  constructor(rate: Rate, clock: Clock, fullAt: Cell = ownCell(0)) {
    this.#rate = rate;
    this.#clock = clock;
    this.#fullAt = fullAt;
  }

  /** Takes one call. Gives the milliseconds until the next one may come if there is none left, else 0. */
  take(): number {
    const { calls, perMs } = this.#rate;
    const now = this.#clock.elapsed();
    for (;;) {
      const fullAt = this.#fullAt.get();
      const next = Math.max(fullAt, now) + perMs / calls;
      const waitMs = next - now - perMs;
      // Sums of many fractions: what is less than a microsecond is none.
      if (waitMs > 1e-3) return waitMs;
      if (this.#fullAt.swap(fullAt, next)) return 0;
    }
  }
}
