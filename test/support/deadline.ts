import { setTimeout as wait } from 'node:timers/promises';

/** Long enough for a machine that has much else to do: only what never happens takes so long. */
const DEADLINE_MS = 15_000;

/** The value of `promise`, or a failure that names `label` if it has not settled within `ms` milliseconds. */
export async function within<T>(promise: Promise<T>, label: string, ms = DEADLINE_MS): Promise<T> {
  const stop = new AbortController();
  const late = wait(ms, undefined, { signal: stop.signal }).then(() => {
    throw new Error(`${label}: nothing after ${ms} ms`);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    late.catch(() => undefined);
    stop.abort();
  }
}

const LONGEST_PAUSE_MS = 50;

/** Resolves as soon as `holds` answers true, asking every few milliseconds, and ever less often; fails naming `label` after `ms`. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  label: string,
  ms = DEADLINE_MS,
): Promise<void> {
  const began = performance.now();
  while (!(await holds())) {
    const waited = performance.now() - began;
    if (waited > ms) throw new Error(`${label}: not so after ${ms} ms`);
    await wait(Math.min(2 + waited / 20, LONGEST_PAUSE_MS));
  }
}
