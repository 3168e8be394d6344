import type { Clock, Timer } from '../../src/shared/clock.ts';

/** A clock that stands still until told otherwise, so that tests decide what time it is and need no sleeps. */
export class ManualClock implements Clock {
  #now: number;
  #elapsed = 0;
  readonly #pending = new Set<{ readonly at: number; readonly run: () => void }>();

  /** Starts at `now` milliseconds since the epoch. */
  constructor(now = Date.UTC(2026, 0, 1)) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  elapsed(): number {
    return this.#elapsed;
  }

  after(ms: number, run: () => void): Timer {
    const timer = { at: this.#elapsed + Math.max(0, ms), run };
    this.#pending.add(timer);
    return { cancel: () => this.#pending.delete(timer) };
  }

  /** How many timers wait. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Lets `ms` milliseconds pass and runs what falls due, earliest first, each at its own moment. */
  advance(ms: number): void {
    const end = this.#elapsed + ms;
    for (let next = this.#earliest(end); next !== undefined; next = this.#earliest(end)) {
      this.#pending.delete(next);
      this.#pass(next.at - this.#elapsed);
      next.run();
    }
    this.#pass(end - this.#elapsed);
  }

  /** Sets the wall clock, as an operator would: no timer runs and {@link elapsed} does not move. */
  setWall(now: number): void {
    this.#now = now;
  }

  #pass(ms: number): void {
    this.#now += ms;
    this.#elapsed += ms;
  }

  #earliest(end: number): { readonly at: number; readonly run: () => void } | undefined {
    let first: { readonly at: number; readonly run: () => void } | undefined;
    for (const timer of this.#pending) {
      if (timer.at <= end && (first === undefined || timer.at < first.at)) first = timer;
    }
    return first;
  }
}
