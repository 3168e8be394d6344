import { type Adviser, counted } from './finding.ts';

const FEWEST = 200;
const DAY_MS = 86_400_000;
/** Every entry has these, whoever invalidates anything. */
const BUILT_IN: ReadonlySet<string> = new Set(['model', 'vector_store']);

/** Kinds of tags that entries get and that nobody has invalidated for a day: what changes behind them is not told. */
export const unusedTags: Adviser = ({ tagUse, uptimeMs }) => {
  if (uptimeMs < DAY_MS) return [];
  return [...tagUse.kinds.entries()].flatMap(([kind, { stored, invalidated }]) => {
    if (BUILT_IN.has(kind) || stored < FEWEST || invalidated > 0) return [];
    return [
      {
        id: 'tags-never-invalidated',
        severity: 'info' as const,
        evidence: {
          kind,
          entries_stored: stored,
          invalidations: invalidated,
          uptime_s: Math.floor(uptimeMs / 1_000),
        },
        recommendation: `${counted(stored)} entries were stored with a tag like ${kind}:…, and none was ever invalidated. Report changes with a webhook (webhooks.NAME) or POST /cache/invalidate; the ttl can then be longer.`,
      },
    ];
  });
};
