import { type Adviser, counted, percent, rounded } from './finding.ts';

const FEWEST = 50;
const SHARE = 0.1;

/** What to do about a reason for which the cache is not asked, where something can be done. */
const REMEDIES: readonly (readonly [reason: RegExp, remedy: string])[] = [
  [/^header:/, 'name that header in routes[].key.headers if it shapes the answer, or do not send it'],
  [/^mode-off$/, 'set types.NAME.mode to on'],
  [/^shadow-/, 'set types.NAME.mode to on: saved.shadow says what that would have saved'],
  [/^sampling$/, 'set types.NAME.sampling to any, or ask with temperature 0 or a seed'],
  [/^client-no-store$/, 'send no cache-control: no-store where a repeated answer would do'],
  [/^store$/, 'ask without store: true where the upstream need not keep the answer'],
  [/^tool:/, 'ask without the hosted tool where its result is not needed'],
  [
    /^(?:body-|duplicate-key|too-deep)/,
    'send one JSON object, in UTF-8, with content-type: application/json',
  ],
];

/** Requests for which the cache was not asked, by reason. */
export const bypassed: Adviser = ({ figures }) => {
  const { total } = figures.counts;
  return [...figures.bypasses.entries()].flatMap(([reason, { count }]) => {
    if (count < FEWEST || count / total < SHARE) return [];
    const [, remedy] = REMEDIES.find(([pattern]) => pattern.test(reason)) ?? [];
    return [
      {
        id: 'bypassed',
        severity: remedy === undefined ? ('info' as const) : ('warning' as const),
        evidence: { reason, requests: count, share: rounded(count / total) },
        recommendation: `${percent(count / total)} of all requests are not cached, for the reason ${reason}${remedy === undefined ? ', which is theirs by nature' : `: ${remedy}`}.`,
      },
    ];
  });
};

/** What to do about a reason for which an answer was not stored. */
const UNSTORED: readonly (readonly [reason: RegExp, remedy: string])[] = [
  [/^set-cookie$/, 'have the upstream set no cookie on answers that are everybody’s'],
  [/^vary$/, 'name the headers that the upstream varies by in routes[].key.headers'],
  [/^upstream-/, 'have the upstream send another cache-control, or set routes[].respect_upstream to false'],
  [/^finish:length$/, 'raise max_tokens: answers that were cut short are never stored'],
  [/^too-large$/, 'raise server.max_entry'],
  [
    /^too-many-tags$/,
    'have the rules make fewer tags, for more than 256 are not kept; or, of traced calls, see by x-cache-reason why the tags of a search or a route of the same trace are not known',
  ],
  [/^tags-unreadable$/, 'mend the rules in types.NAME.tags or routes[].tags'],
];

/** Answers that were fetched for the cache and could not be stored, by reason. */
export const unstored: Adviser = ({ figures }) => {
  const calls = [...figures.upstreams.entries()].reduce((sum, [, line]) => sum + line.calls, 0);
  return [...figures.unstored.entries()].flatMap(([reason, { count }]) => {
    const [, remedy] = UNSTORED.find(([pattern]) => pattern.test(reason)) ?? [];
    if (count < FEWEST || count / calls < SHARE || remedy === undefined) return [];
    return [
      {
        id: 'not-stored',
        severity: 'warning' as const,
        evidence: { reason, answers: count, share: rounded(count / calls) },
        recommendation: `${percent(count / calls)} of ${counted(calls)} fetched answers could not be stored, for the reason ${reason}: ${remedy}.`,
      },
    ];
  });
};
