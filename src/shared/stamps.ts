import { type Cell, ownCell } from './cell.ts';
import type { Clock } from './clock.ts';

/** Stamps of one millisecond. In 64-bit floats, milliseconds in this unit stay exact until the year 2248. */
const PER_MS = 1024;

/**
 * A hybrid logical clock (Kulkarni et al., OPODIS 2014): stamps follow the wall clock and always rise, also when that is set
 * back. What has a greater stamp came later.
 */
export class Stamps {
  readonly #clock: Clock;
  readonly #last: Cell;

  /** `last` is a cell with 0, which all have who are to give no stamp twice. */
  constructor(clock: Clock, last: Cell = ownCell(0)) {
    this.#clock = clock;
    this.#last = last;
  }

  /** The greatest stamp given or seen. */
  get last(): number {
    return this.#last.get();
  }

  /** A stamp above every one given or seen. */
  next(): number {
    const now = stampOf(this.#clock.now());
    for (;;) {
      const last = this.last;
      const next = Math.max(last + 1, now);
      if (this.#last.swap(last, next)) return next;
    }
  }

  /** Takes note of a stamp from elsewhere: the disk, another instance. */
  observe(stamp: number): void {
    for (;;) {
      const last = this.last;
      if (stamp <= last || this.#last.swap(last, stamp)) return;
    }
  }
}

/** The first stamp of a moment, given in milliseconds since the epoch. */
export function stampOf(ms: number): number {
  return Math.floor(ms) * PER_MS;
}
