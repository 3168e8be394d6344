import { isOver } from '../shared/life.ts';
import type { Directives } from './directives.ts';
import type { Lifetime } from './lifetime.ts';

/**
 * What an entry may be used for, at one moment, for one caller:
 * `fresh` serve it; `stale` serve it and refresh it behind (RFC 5861 §3); `grace` serve it only if the upstream fails
 * (RFC 5861 §4); `dead` never serve it.
 */
export type Verdict = 'fresh' | 'stale' | 'grace' | 'dead';

/** What of a caller's {@link Directives} bears on whether an entry will do. */
export type Demands = Pick<Directives, 'maxAgeMs' | 'minFreshMs' | 'maxStaleMs' | 'staleIfErrorMs'>;

/** Judges an entry's times against the clock (`now`, ms since the epoch) and what the caller demands (RFC 9111 §4.2.4). */
export function judge(times: Lifetime, now: number, demands: Demands): Verdict {
  if (isOver(times, now)) return 'dead';
  const freshFor = times.freshUntil - now;
  const staleFor = -freshFor;
  const young = demands.maxAgeMs === undefined || now - times.born <= demands.maxAgeMs;
  // RFC 9111 §5.2.1.3: what stays fresh for exactly as long as is asked will do.
  if (young && freshFor > 0 && freshFor >= (demands.minFreshMs ?? 0)) return 'fresh';
  if (young && demands.minFreshMs === undefined) {
    if (staleFor <= (demands.maxStaleMs ?? -1)) return 'fresh';
    if (now < times.staleUntil) return 'stale';
  }
  return staleFor <= (demands.staleIfErrorMs ?? Number.POSITIVE_INFINITY) ? 'grace' : 'dead';
}
