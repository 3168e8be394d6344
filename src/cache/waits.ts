import type { Clock, Timer } from '../shared/clock.ts';

/** Somebody who waits: until when (monotonic milliseconds), and what is done then. */
interface Wait {
  readonly end: number;
  readonly late: () => void;
}

/** Those who wait for answers, all equally long: one timer, for the one that has waited longest, since nearly all answers come in time. */
export class Waits {
  readonly #clock: Clock;
  readonly #ms: number;
  /** In the order of their ends, which are equally far from their beginnings. */
  readonly #waiting = new Set<Wait>();
  #timer: Timer | undefined;

  /** Everybody waits for `ms` milliseconds. */
  constructor(clock: Clock, ms: number) {
    this.#clock = clock;
    this.#ms = ms;
  }

  /** Calls `late` when the time is over, unless what is given back is called before. */
  begin(late: () => void): () => void {
    const wait: Wait = { end: this.#clock.elapsed() + this.#ms, late };
    this.#waiting.add(wait);
    this.#watch();
    return () => this.#waiting.delete(wait);
  }

  #watch(): void {
    if (this.#timer !== undefined) return;
    const [first] = this.#waiting;
    if (first === undefined) return;
    this.#timer = this.#clock.after(Math.max(1, first.end - this.#clock.elapsed()), () => {
      // Where it is this process that had no time, the answers may be here, and are read before that.
      setImmediate(() => {
        this.#timer = undefined;
        this.#giveUpLate();
        this.#watch();
      });
    });
  }

  #giveUpLate(): void {
    const now = this.#clock.elapsed();
    for (const wait of this.#waiting) {
      if (wait.end > now) break;
      this.#waiting.delete(wait);
      wait.late();
    }
  }
}
