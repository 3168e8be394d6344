/** How far from now a delivery's timestamp may be, in milliseconds. */
export interface Tolerance {
  readonly past: number;
  readonly future: number;
}

/** The tolerance of Standard Webhooks' libraries: 5 minutes to either side. */
export const FIVE_MINUTES: Tolerance = { past: 300_000, future: 300_000 };

/**
 * Why a timestamp (seconds since the epoch, or milliseconds where it has 13 digits) is not taken at `now`; undefined if it is.
 */
export function refusalOf(timestamp: string, now: number, { past, future }: Tolerance): string | undefined {
  if (!/^\d{1,13}$/.test(timestamp)) return 'has a timestamp that is no whole number of seconds';
  const sent = timestamp.length === 13 ? Number(timestamp) : Number(timestamp) * 1000;
  const age = now - sent;
  // In whole seconds, as senders count them.
  if (Math.floor(age / 1000) * 1000 > past)
    return `was sent ${Math.floor(age / 1000)} s ago, more than ${past / 1000} s`;
  if (-age > future) return `is dated ${Math.ceil(-age / 1000)} s ahead, more than ${future / 1000} s`;
  return undefined;
}
