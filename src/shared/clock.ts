/** A pending call of {@link Clock.after}. */
export interface Timer {
  cancel(): void;
}

/** Where time comes from. Everything that decides by time gets one injected, so that tests need no sleeps. */
export interface Clock {
  /** Wall-clock milliseconds since the epoch; may jump when an operator sets the clock. */
  now(): number;
  /** Monotonic milliseconds, for measuring durations. */
  elapsed(): number;
  /** Calls `run` once after `ms` milliseconds. The timer never keeps the process alive. */
  after(ms: number, run: () => void): Timer;
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after(ms, run) {
    // setTimeout turns a delay above 2^31-1 ms into 1 ms: https://nodejs.org/api/timers.html
    const timer = setTimeout(run, Math.min(ms, 2 ** 31 - 1));
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};
