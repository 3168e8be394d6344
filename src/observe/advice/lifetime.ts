import { formatDuration } from '../../shared/units.ts';
import { type Adviser, counted, percent, rounded } from './finding.ts';

/** Refetches below which nothing is said, and the share of them that has to have brought the same bytes. */
const FEWEST = 20;
const SHARE = 0.5;

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Lifetimes that people set. */
const USUAL = [
  MINUTE,
  5 * MINUTE,
  10 * MINUTE,
  15 * MINUTE,
  30 * MINUTE,
  HOUR,
  2 * HOUR,
  4 * HOUR,
  8 * HOUR,
  DAY,
  2 * DAY,
  7 * DAY,
  30 * DAY,
];

/** A ttl that ends before anything has changed: expired entries whose refetch brought the same bytes. */
export const lifetime: Adviser = ({ refetches, sources }) =>
  [...refetches.types.entries()].flatMap(([type, { expired, identical, ages }]) => {
    const policy = sources.types.get(type);
    if (policy === undefined || expired < FEWEST || identical / expired < SHARE) return [];
    // Half of those that brought the same bytes would have lived until they were asked for.
    const aim = Math.max(2 * policy.ttl, ages.percentile(0.5) * 1_000);
    const ttl = USUAL.find((usual) => usual >= aim) ?? Math.ceil(aim / DAY) * DAY;
    const share = identical / expired;
    return [
      {
        id: 'ttl-too-short',
        severity: share >= 0.9 ? ('warning' as const) : ('info' as const),
        type,
        evidence: {
          refetches: expired,
          identical,
          identical_share: rounded(share),
          ttl_s: policy.ttl / 1_000,
          suggested_ttl_s: ttl / 1_000,
          age_at_refetch_s: { p50: Math.round(ages.percentile(0.5)), p95: Math.round(ages.percentile(0.95)) },
        },
        recommendation: `Raise types.${type}.ttl to ${formatDuration(ttl)}: ${percent(share)} of ${counted(expired)} refetches brought the same bytes.`,
      },
    ];
  });
