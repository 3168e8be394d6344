import { utilizationOf } from '../alert-rules.ts';
import { type Adviser, counted, percent, rounded } from './finding.ts';

const FEWEST = 500;
const SHARE = 0.7;
const FULL = 0.9;

/** Types whose entries mostly are never asked for again, while a tier is full of them. */
export const oneHitEntries: Adviser = ({ reuse, sources }) => {
  const full = sources.levels().filter((level) => utilizationOf(level) >= FULL);
  if (full.length === 0) return [];
  return [...reuse.onceAsked()].flatMap(([type, { keys, once }]) => {
    if (keys < FEWEST || once / keys < SHARE) return [];
    const entries = [...sources.places()].reduce(
      (sum, place) => sum + (place.type === type ? place.entries : 0),
      0,
    );
    return [
      {
        id: 'one-hit-entries',
        severity: 'warning' as const,
        type,
        evidence: {
          sampled_keys: keys,
          asked_once: once,
          asked_once_share: rounded(once / keys),
          entries,
          full_levels: full.map(({ level }) => level),
        },
        recommendation: `${percent(once / keys)} of the keys of ${type} were asked for once only, and they fill ${full.map(({ level }) => level).join(' and ')}: lower types.${type}.ttl, or cache fewer of them with types.${type}.sampling or types.${type}.mode.`,
      },
    ];
  });
};

/** A key that gets a large part of all requests. */
export const hotKey: Adviser = ({ hotKeys }) => {
  const [first] = hotKeys.top(1);
  if (first === undefined || hotKeys.requests < FEWEST || first.requests / hotKeys.requests < 0.2) return [];
  const share = first.requests / hotKeys.requests;
  return [
    {
      id: 'hot-key',
      severity: 'info',
      evidence: { key: first.key, requests: first.requests, share: rounded(share), top: hotKeys.top(10) },
      recommendation: `One key gets ${percent(share)} of ${counted(hotKeys.requests)} requests. Give its type a types.NAME.stale_while_revalidate, so that nobody waits when its ttl ends.`,
    },
  ];
};
