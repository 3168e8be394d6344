/** How long the entries of one type live; all in milliseconds. A part of the profile's `types.NAME`. */
export interface LifetimePolicy {
  readonly ttl: number;
  /** The most a caller's `x-cache-ttl` may ask for; unlimited where absent. */
  readonly max_ttl?: number | undefined;
  readonly stale_while_revalidate: number;
  readonly stale_if_error: number;
  /** The life of a stored 404; 0 stores none. */
  readonly negative_ttl: number;
}

/** The times of an entry born now. */
export interface Lifetime {
  readonly born: number;
  readonly freshUntil: number;
  readonly staleUntil: number;
  readonly keepUntil: number;
}

/**
 * The absolute times of an answer that was complete at `born` (ms since the epoch), or undefined if it has no life at
 * all and need not be stored. `asked` is the callers' own `x-cache-ttl` in milliseconds, the shortest of several.
 */
export function lifetimeOf(
  policy: LifetimePolicy,
  status: number,
  asked: number | undefined,
  born: number,
): Lifetime | undefined {
  if (status !== 200) {
    const gone = born + policy.negative_ttl;
    return policy.negative_ttl > 0
      ? { born, freshUntil: gone, staleUntil: gone, keepUntil: gone }
      : undefined;
  }
  const ttl = Math.min(asked ?? policy.ttl, policy.max_ttl ?? Number.POSITIVE_INFINITY);
  if (ttl <= 0) return undefined;
  const freshUntil = born + ttl;
  const staleUntil = freshUntil + policy.stale_while_revalidate;
  return {
    born,
    freshUntil,
    staleUntil,
    keepUntil: Math.max(staleUntil, freshUntil + policy.stale_if_error),
  };
}
