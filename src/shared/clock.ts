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

/** The longest delay of a timer of Node's, which takes a longer one for 1 ms: https://nodejs.org/api/timers.html */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, Math.min(ms, LONGEST_TIMER_MS));
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};

/**
 * `clock`, whose wall clock is no longer followed when it is set back: what is to live for an hour lives no longer than
 * that. Set forward, as after a machine has slept, it is followed. From then on it may be ahead of the wall clock, by as
 * much as that was set back: for lives and ages, and for no one who compares it with another clock. `least` is by how much
 * it is ahead of its monotonic clock from the beginning, as another thread's may be already.
 */
export function neverBack(clock: Clock, least = Number.NEGATIVE_INFINITY): Clock {
  let ahead = Math.max(least, clock.now() - clock.elapsed());
  return {
    now() {
      // In this order: a process that has to pause in between would else be ahead by as much from then on.
      const wall = clock.now();
      const elapsed = clock.elapsed();
      ahead = Math.max(ahead, wall - elapsed);
      return Math.floor(ahead + elapsed);
    },
    elapsed: () => clock.elapsed(),
    after: (ms, run) => clock.after(ms, run),
  };
}

/** Resolves when `work` does, and after `ms` milliseconds at the latest. Rejects if `work` does before. */
export async function atMost(clock: Clock, ms: number, work: Promise<unknown>): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = clock.after(ms, late.resolve);
  try {
    await Promise.race([work, late.promise]);
  } finally {
    timer.cancel();
  }
}

/** Runs `work` every `ms` milliseconds until cancelled. */
export function every(clock: Clock, ms: number, work: () => void): Timer {
  let timer = clock.after(ms, again);
  let cancelled = false;
  function again() {
    work();
    // The work itself may have cancelled it.
    if (!cancelled) timer = clock.after(ms, again);
  }
  return {
    cancel() {
      cancelled = true;
      timer.cancel();
    },
  };
}
