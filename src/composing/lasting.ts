import type { Settings } from '../config/schema.ts';
import { ATTEMPTS } from '../http/proxy.ts';

/** The longest life that these settings give an entry, in milliseconds. Where there is no `max_ttl` a caller, or an upstream, may give it more. */
export function longestLifeMs({ types }: Pick<Settings, 'types'>): number {
  const lives = [...types.values()].map((type) => {
    const {
      ttl,
      max_ttl: most = ttl,
      stale_while_revalidate: swr,
      stale_if_error: sie,
      negative_ttl: gone,
    } = type;
    return Math.max(Math.max(ttl, most) + Math.max(swr, sie), gone);
  });
  return Math.max(...lives);
}

/**
 * How long a call can go on at most by these settings, in milliseconds, with the stamps of what its trace was told: it may wait for
 * another instance, and each time that it asks the upstream for its turn, of which `timeouts.total` is no part.
 */
export function longestCallMs({ upstreams, redis }: Pick<Settings, 'upstreams' | 'redis'>): number {
  const once = [...upstreams.values()].map(({ concurrency, timeouts }) => concurrency.wait + timeouts.total);
  return redis.lease_wait + ATTEMPTS * Math.max(...once);
}
