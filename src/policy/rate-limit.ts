import type { Clock } from '../shared/clock.ts';
import type { Rate } from '../shared/units.ts';

/**
 * A limit as a bucket of tokens: full it holds `calls`, and it fills at that pace, so that a caller may come in a burst and
 * never gets more than the rate in the long run.
 */
export class RateLimit {
  readonly #rate: Rate;
  readonly #clock: Clock;
  #tokens: number;
  #filledAt: number;

  constructor(rate: Rate, clock: Clock) {
    this.#rate = rate;
    this.#clock = clock;
    this.#tokens = rate.calls;
    this.#filledAt = clock.elapsed();
  }

  /** Takes one call. Gives the milliseconds until the next one may come if there is none left, else 0. */
  take(): number {
    const { calls, perMs } = this.#rate;
    const now = this.#clock.elapsed();
    this.#tokens = Math.min(calls, this.#tokens + ((now - this.#filledAt) * calls) / perMs);
    this.#filledAt = now;
    if (this.#tokens < 1) return ((1 - this.#tokens) * perMs) / calls;
    this.#tokens -= 1;
    return 0;
  }
}
