import { percent } from './advice/finding.ts';
import type { AlertRule } from './alerts.ts';
import type { Figures } from './figures.ts';
import type { LevelState, Sources, UpstreamState } from './sources.ts';
import { TURN_MS } from './windows.ts';

/** What alerts are told from. */
export interface Watched {
  readonly figures: Figures;
  readonly sources: Pick<Sources, 'levels' | 'upstreams' | 'disk' | 'wallClock'>;
}

/** The rules of one running proxy. Some compare with what they saw at their last look, so that each proxy has its own. */
export function alertRules(): readonly AlertRule<Watched>[] {
  return [
    upstreamDown,
    upstreamFailing,
    upstreamSlow,
    queueFull,
    tierDegraded,
    writeQueue,
    diskSpace,
    hitRateFallen,
    risingFast('evictions', (seen) => unexpired(seen.sources.levels()), EVICTIONS),
    risingFast('invalidation-storm', ({ figures }) => figures.invalidated.invalidations, STORM),
    risingFast('auth-failures', ({ figures }) => figures.refused, REFUSALS),
    clockJump(),
    saturation,
  ];
}

const upstreamDown = overUpstreams(
  'upstream-down',
  'critical',
  ({ state }) => state === 'down',
  'failed repeatedly and is only probed; calls without an entry get 503. See whether it runs, and whether its base_url is right',
);

const upstreamFailing = overUpstreams(
  'upstream-failing',
  'warning',
  ({ state }) => state === 'failing',
  'its last call failed; old entries answer where they may. The log says what it failed with',
);

const upstreamSlow: AlertRule<Watched> = {
  id: 'upstream-slow',
  severity: 'warning',
  check({ figures }, raised) {
    const slow = [...figures.paces.entries()].flatMap(([name, { means }]) => {
      if (means === undefined) return [];
      const { lately, usual } = means;
      const isSlow = lately >= usual * (raised ? 2 : 3) && lately - usual >= NOTICED_MS;
      return isSlow ? [`${name}: calls take ${seconds(lately)}, usually ${seconds(usual)}`] : [];
    });
    return slow.length === 0
      ? undefined
      : `${slow.join('; ')}. If it has too much to do, upstreams.NAME.concurrency.max sends it fewer at once`;
  },
};

/** Less than that more nobody notices, however many times as long it is. */
const NOTICED_MS = 100;

function seconds(ms: number): string {
  return `${Math.round(ms / 10) / 100} s`;
}

const queueFull = overUpstreams(
  'queue-full',
  'critical',
  ({ full }) => full,
  'as many calls wait as may; the next ones get 503. Give it more room, or raise upstreams.NAME.concurrency',
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

const writeQueue: AlertRule<Watched> = {
  id: 'write-queue',
  severity: 'warning',
  check({ sources }, raised) {
    for (const { level, queue } of sources.levels()) {
      const share = queue === undefined ? 0 : queue.bytes / queue.maxBytes;
      if (share < (raised ? 0.5 : 0.9)) continue;
      return `${level}: ${percent(share)} of what may wait to be written does; ${level === 'l3' ? TOO_SLOW.redis : TOO_SLOW.disk}`;
    }
    return undefined;
  },
};

const TOO_SLOW = {
  disk: 'beyond that the oldest is not written. The disk is too slow for what comes: see what else it does',
  redis:
    'beyond that nothing is shared. Redis, or the way to it, is too slow for what comes: see what else it does, or lower redis.max_entry',
};

const diskSpace: AlertRule<Watched> = {
  id: 'disk-space',
  severity: 'warning',
  check({ sources }, raised) {
    const { free, growth } = sources.disk() ?? { free: 0, growth: 0 };
    return free >= growth * (raised ? 1.1 : 1)
      ? undefined
      : `${megabytes(free)} are free on the disk of the data folder, which may yet grow by ${megabytes(growth)}. Make room there, or lower disk.max_bytes`;
  },
};

function megabytes(bytes: number): string {
  return `${Math.floor(bytes / 1_000_000)} MB`;
}

/** Steps of the wall clock that are told, against the one that only goes on: time services adjust it by less. */
const JUMP_MS = 5_000;
/** How long one is told. */
const JUMP_TOLD_MS = 600_000;

/** A rule that looks whether the wall clock was set. It is over by itself: what it means for entries it means at once. */
function clockJump(): AlertRule<Watched> {
  let ahead: number | undefined;
  let jump: { readonly by: number; readonly at: number } | undefined;
  return {
    id: 'clock-jump',
    severity: 'warning',
    check({ sources: { wallClock } }) {
      const at = wallClock.elapsed();
      const before = ahead;
      ahead = wallClock.now() - at;
      const by = ahead - (before ?? ahead);
      if (Math.abs(by) >= JUMP_MS) jump = { by, at };
      if (jump === undefined || at - jump.at >= JUMP_TOLD_MS) return undefined;
      return jump.by > 0
        ? `the clock was set forward by ${seconds(jump.by)}, or the machine slept: entries are so much older at once. See what sets it`
        : `the clock was set back by ${seconds(-jump.by)}: it is not followed before it is where it was, so that no entry lives longer; after a restart entries from its future are dropped. See what sets it`;
    },
  };
}

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
      : `the hit rate of the last 15 minutes is ${percent(present)}, that of the day before ${percent(usual)}. The reasons of misses, and the findings, say what has changed`;
  },
};

const saturation: AlertRule<Watched> = {
  id: 'saturation',
  severity: 'info',
  check({ sources }, raised) {
    const full = sources.levels().filter((level) => utilizationOf(level) >= (raised ? 0.9 : 0.98));
    return full.length === 0
      ? undefined
      : `${full.map(({ level }) => level).join(', ')} ${full.length === 1 ? 'is' : 'are'} full: for every new entry an old one goes. The finding on capacity says what more room would bring`;
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
    `${perMinute} entries a minute are dropped for their space before their ttl is over. The finding on capacity says what more room would bring`,
};

const STORM: Rate = {
  raise: 600,
  clear: 200,
  say: (perMinute) =>
    `${perMinute} invalidations a minute: a sender may be repeating itself. GET /monitoring/invalidations says which`,
};

const REFUSALS: Rate = {
  raise: 30,
  clear: 5,
  say: (perMinute) =>
    `${perMinute} calls a minute with a wrong key, token or signature, or none. If no key of yours has changed, somebody is trying: let a firewall keep them out`,
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
