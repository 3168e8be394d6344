import type { Clock } from './clock.ts';

/** Stamps of one millisecond. In 64-bit floats, milliseconds in this unit stay exact until the year 2248. */
const PER_MS = 1024;

/**
 * A hybrid logical clock (Kulkarni et al., OPODIS 2014): stamps follow the wall clock and always rise, also when that is set
 * back. What has a greater stamp came later.
 */
export class Stamps {
  readonly #clock: Clock;
  #last = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The greatest stamp given or seen. */
  get last(): number {
    return this.#last;
  }

  /** A stamp above every one given or seen. */
  next(): number {
    this.#last = Math.max(this.#last + 1, stampOf(this.#clock.now()));
    return this.#last;
  }

  /** Takes note of a stamp from elsewhere: the disk, another instance. */
  observe(stamp: number): void {
    if (stamp > this.#last) this.#last = stamp;
  }
}

/** The first stamp of a moment, given in milliseconds since the epoch. */
export function stampOf(ms: number): number {
  return Math.floor(ms) * PER_MS;
}
