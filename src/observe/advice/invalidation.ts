import { type Adviser, counted, percent, rounded } from './finding.ts';

const FEWEST = 10;

/** Invalidations that meant nothing: mostly a tag or a pattern that is written in another way than entries have it. */
export const emptyInvalidations: Adviser = ({ figures }) => {
  const { invalidations, empty } = figures.invalidated;
  if (invalidations < FEWEST || empty / invalidations < 0.5) return [];
  return [
    {
      id: 'empty-invalidations',
      severity: 'warning',
      evidence: { invalidations, empty, share: rounded(empty / invalidations) },
      recommendation: `${percent(empty / invalidations)} of ${counted(invalidations)} invalidations meant no entry. Compare their tags (GET /monitoring/invalidations) with those that entries have (GET /monitoring/cache/entries), and the rules in types.NAME.tags and routes[].tags.`,
    },
  ];
};
