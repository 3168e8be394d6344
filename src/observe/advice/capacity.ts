import type { Reuse } from '../reuse.ts';
import type { LevelState } from '../sources.ts';
import { type Adviser, counted, percent, rounded } from './finding.ts';

/** Uses of sampled keys below which nothing is said. */
const FEWEST = 500;
/** The gain in hit rate, as a share of all requests, for which more room is worth it. */
const WORTH = 0.03;

const FACTORS = [0.5, 1, 2, 4, 8];

/** What hit rate a tier would have at other sizes, and whether more room is worth it. */
export const capacity: Adviser = ({ reuse, sources }) => {
  if (reuse.seen < FEWEST) return [];
  return sources.levels().flatMap((level) => {
    const curve = curveOf(level, reuse);
    if (curve === undefined) return [];
    const [now, best] = [curve.get(1) ?? 0, curve.get(8) ?? 0];
    // The smallest size that brings most of what the largest would.
    const factor = FACTORS.find((one) => one > 1 && (curve.get(one) ?? 0) >= now + 0.8 * (best - now)) ?? 8;
    const gain = (curve.get(factor) ?? 0) - now;
    const { name, value } = boundOf(level);
    const evidence = {
      level: level.level,
      hit_rate_at: Object.fromEntries([...curve].map(([at, rate]) => [`${at}x`, rounded(rate)])),
      entries: level.entries,
      sampled_requests: Math.round(reuse.seen),
    };
    if (gain < WORTH) {
      const recommendation = `${name} is large enough: at 8 times its size the hit rate would be ${percent(best)} instead of ${percent(now)}.`;
      return [{ id: 'capacity', severity: 'info' as const, evidence, recommendation }];
    }
    return [
      {
        id: 'capacity',
        severity: level.level === 'l1' ? ('info' as const) : ('warning' as const),
        evidence,
        recommendation: `Raise ${name} to ${value(factor)}: ${level.level} would then answer ${percent(now + gain)} of all requests instead of ${percent(now)}, if no ttl ended sooner.`,
      },
    ];
  });
};

/** The hit rate at each factor of a tier's size; undefined for one that holds nothing. */
function curveOf(level: LevelState, reuse: Reuse): ReadonlyMap<number, number> | undefined {
  const holds = entriesOf(level);
  return holds === undefined ? undefined : new Map(FACTORS.map((at) => [at, reuse.hitRate(at * holds)]));
}

/**
 * How many entries of their present size a tier has room for; undefined where that is not ours to say. Of several caches, each of which
 * sees its share of the same requests: as many as one has.
 */
function entriesOf(level: LevelState): number | undefined {
  const { entries = 0, bytes = 0, maxEntries, maxBytes, caches = 1 } = level;
  if (entries === 0 || bytes === 0 || maxBytes === undefined) return maxEntries && maxEntries / caches;
  return Math.min(maxEntries ?? Number.POSITIVE_INFINITY, maxBytes / (bytes / entries)) / caches;
}

/** The setting that bounds a tier first. */
function boundOf({ level, entries = 0, bytes = 0, maxEntries, maxBytes = 0, caches = 1 }: LevelState): {
  readonly name: string;
  readonly value: (factor: number) => string;
} {
  const byEntries = maxEntries !== undefined && entries / maxEntries >= bytes / maxBytes;
  if (byEntries) {
    return {
      name: 'memory.max_entries',
      value: (factor) => counted((maxEntries / caches) * factor).replaceAll(',', ''),
    };
  }
  const megabytes = (factor: number) => `${Math.ceil(((maxBytes / caches) * factor) / 1_000_000)}MB`;
  return { name: level === 'l1' ? 'memory.max_bytes' : 'disk.max_bytes', value: megabytes };
}
