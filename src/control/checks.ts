import type { Store } from '../cache/store.ts';
import type { Alert } from '../observe/alerts.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { Check } from './health.ts';

/** The state of every tier and upstream, by name: what `/health/ready` shows. A tier that is required does not work less well, but fails. */
export function healthChecks(
  store: Pick<Store, 'health'>,
  upstreams: ReadonlyMap<string, Upstream>,
  isRequired: (level: string) => boolean,
): ReadonlyMap<string, Check> {
  const checks = new Map<string, Check>();
  for (const [level, health] of Object.entries(store.health())) {
    if (health === undefined) continue;
    const fails = health.state === 'degraded' && isRequired(level);
    checks.set(level, fails ? { ...health, state: 'failed' } : health);
  }
  for (const [name, { health }] of upstreams) {
    const state = health.state();
    checks.set(
      `upstream:${name}`,
      state === 'up' ? { state: 'ok' } : { state: 'degraded', reason: REASON[state] },
    );
  }
  return checks;
}

/** The alerts that say that something is not as it should be now, as checks. */
export function alertChecks(alerts: readonly Alert[]): ReadonlyMap<string, Check> {
  return new Map(
    alerts
      .filter(({ id, severity }) => severity !== 'info' && !NO_CHECK.has(id))
      .map(({ id, message }) => [`alert:${id}`, { state: 'degraded', reason: message }]),
  );
}

const NO_CHECK: ReadonlySet<string> = new Set([
  // Tiers and upstreams have checks of their own.
  'upstream-down',
  'upstream-failing',
  'tier-degraded',
  // What may yet come, and the tier says when it has; and what has been.
  'disk-space',
  'clock-jump',
]);

const REASON = {
  failing: 'its last call failed; entries that may be served stale are, without asking it',
  down: 'it failed repeatedly and is only probed; calls without an entry get 503',
} as const;
