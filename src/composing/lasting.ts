import type { Settings } from '../config/schema.ts';
import { ATTEMPTS } from '../http/proxy.ts';

/** How long something that is stored can live at most by these settings, in milliseconds. */
export function longestLifeMs({ types }: Pick<Settings, 'types'>): number {
  const lives = [...types.values()].map((type) => {
    const { ttl, max_ttl: most = ttl, stale_while_revalidate: swr, stale_if_error: sie } = type;
    return Math.max(ttl, most) + Math.max(swr, sie);
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
