import { setTimeout as wait } from 'node:timers/promises';

/** The value of `promise`, or a failure that names `label` if it has not settled within `ms` milliseconds. */
export async function within<T>(promise: Promise<T>, label: string, ms = 5_000): Promise<T> {
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

/** Resolves as soon as `holds` answers true, asking every few milliseconds; fails naming `label` after `ms`. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  label: string,
  ms = 5_000,
): Promise<void> {
  const end = performance.now() + ms;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`${label}: not so after ${ms} ms`);
    await wait(2);
  }
}
