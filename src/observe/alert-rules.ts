import { percent } from './advice/finding.ts';
import type { AlertRule } from './alerts.ts';
import type { Figures } from './figures.ts';
import type { LevelState, Sources, UpstreamState } from './sources.ts';
import { TURN_MS } from './windows.ts';

/** What alerts are told from. */
export interface Watched {
  readonly figures: Figures;
  readonly sources: Pick<Sources, 'levels' | 'upstreams'>;
}

/** The rules of one running proxy. Some compare with what they saw at their last look, so that each proxy has its own. */
export function alertRules(): readonly AlertRule<Watched>[] {
  return [
    upstreamDown,
    upstreamFailing,
    queueFull,
    tierDegraded,
    hitRateFallen,
    risingFast('evictions', (seen) => unexpired(seen.sources.levels()), EVICTIONS),
    risingFast('invalidation-storm', ({ figures }) => figures.invalidated.invalidations, STORM),
    risingFast('auth-failures', ({ figures }) => figures.refused, REFUSALS),
    saturation,
  ];
}

const upstreamDown = overUpstreams(
  'upstream-down',
  'critical',
  ({ state }) => state === 'down',
  'failed repeatedly and is only probed; calls without an entry get 503',
);

const upstreamFailing = overUpstreams(
  'upstream-failing',
  'warning',
  ({ state }) => state === 'failing',
  'its last call failed; old entries answer where they may',
);

const queueFull = overUpstreams(
  'queue-full',
  'critical',
  ({ full }) => full,
  'as many calls wait as may; the next ones get 503 (upstreams.NAME.concurrency)',
);

/** A rule over the state of each upstream, which names those that are so. */
function overUpstreams(
  id: string,
  severity: AlertRule<Watched>['severity'],
  isSo: (upstream: UpstreamState) => boolean,
  what: string,
): AlertRule<Watched> {
  return {
    id,
    severity,
    check({ sources }) {
      const names = [...sources.upstreams()].flatMap(([name, upstream]) => (isSo(upstream) ? [name] : []));
      return names.length === 0 ? undefined : `${names.join(', ')}: ${what}`;
    },
  };
}

const tierDegraded: AlertRule<Watched> = {
  id: 'tier-degraded',
  severity: 'warning',
  check({ sources }) {
    for (const { level, health } of sources.levels()) {
      if (health.state === 'degraded') return `${level}: ${health.reason}`;
    }
    return undefined;
  },
};

/** Answers below which a window says nothing. */
const FEWEST = 100;

const hitRateFallen: AlertRule<Watched> = {
  id: 'hit-rate-fallen',
  severity: 'warning',
  check({ figures }, raised) {
    const now = figures.countsIn('15m');
    const day = figures.countsIn('24h');
    const past = (day.hitRate ?? 0) * day.lookedUp - (now.hitRate ?? 0) * now.lookedUp;
    const before = day.lookedUp - now.lookedUp;
    if (now.lookedUp < FEWEST || before < FEWEST) return undefined;
    const [usual, present] = [past / before, now.hitRate ?? 0];
    // It comes back at three quarters of what it was, and goes at half: else it would come and go.
    return usual < 0.1 || present >= usual * (raised ? 0.75 : 0.5)
      ? undefined
      : `the hit rate of the last 15 minutes is ${percent(present)}, that of the day before ${percent(usual)}`;
  },
};

const saturation: AlertRule<Watched> = {
  id: 'saturation',
  severity: 'info',
  check({ sources }, raised) {
    const full = sources.levels().filter((level) => utilizationOf(level) >= (raised ? 0.9 : 0.98));
    return full.length === 0
      ? undefined
      : `${full.map(({ level }) => level).join(', ')} ${full.length === 1 ? 'is' : 'are'} full: for every new entry an old one goes`;
  },
};

/** How full a tier is by the bound that it is nearest to, from 0 to 1. */
export function utilizationOf({ entries = 0, maxEntries, bytes = 0, maxBytes }: LevelState): number {
  const unbounded = Number.POSITIVE_INFINITY;
  return Math.min(1, Math.max(entries / (maxEntries ?? unbounded), bytes / (maxBytes ?? unbounded)));
}

interface Rate {
  /** Per minute: from there on it is raised, and below this one it is over. */
  readonly raise: number;
  readonly clear: number;
  readonly say: (perMinute: number) => string;
}

const EVICTIONS: Rate = {
  raise: 60,
  clear: 20,
  say: (perMinute) =>
    `${perMinute} entries a minute are dropped for their space before their ttl is over: see the finding on capacity`,
};

const STORM: Rate = {
  raise: 600,
  clear: 200,
  say: (perMinute) => `${perMinute} invalidations a minute: a sender may be repeating itself`,
};

const REFUSALS: Rate = {
  raise: 30,
  clear: 5,
  say: (perMinute) => `${perMinute} calls a minute with a wrong key, token or signature, or none`,
};

const LOOKS_A_MINUTE = 60_000 / TURN_MS;

/** A rule over how fast a counter has risen in the last minute. */
function risingFast(
  id: string,
  counter: (seen: Watched) => number,
  { raise, clear, say }: Rate,
): AlertRule<Watched> {
  const seen: number[] = [];
  return {
    id,
    severity: 'warning',
    check(watched, raised) {
      seen.push(counter(watched));
      if (seen.length > LOOKS_A_MINUTE + 1) seen.shift();
      const perMinute = (seen.at(-1) ?? 0) - (seen[0] ?? 0);
      return perMinute >= (raised ? clear : raise) ? say(perMinute) : undefined;
    },
  };
}

/** Unexpired entries that the lowest tier of this instance's own dropped: those gone for good. */
function unexpired(levels: readonly LevelState[]): number {
  return levels.findLast(({ maxBytes }) => maxBytes !== undefined)?.unexpired ?? 0;
}
