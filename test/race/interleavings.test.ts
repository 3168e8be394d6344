import { randomInt } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FolderDisk, MemoryDisk } from './interleavings/disks.ts';
import { play, type Step } from './interleavings/story.ts';
import { SAID, type Wish } from './interleavings/wishes.ts';

const few = fc.nat({ max: 3 });
const wish: fc.Arbitrary<Wish> = fc.record({
  kind: fc.constantFrom('product', 'search', 'chat', 'stream', 'embeddings'),
  about: fc.nat({ max: 2 }),
  namespace: fc.nat({ max: 5 }).map((drawn) => drawn === 0),
  tag: fc.constantFrom('none', 'none', ...SAID),
  traced: fc.boolean(),
  refresh: fc.nat({ max: 7 }).map((drawn) => drawn === 0),
});

/** Of few keys, so that one has many answers. */
const narrow: fc.Arbitrary<Wish> = fc.record({
  kind: fc.constantFrom('product', 'embeddings'),
  about: fc.constant(0),
  namespace: fc.constant(false),
  tag: fc.constantFrom('none', 'none', 'said:1'),
  traced: fc.constant(false),
  refresh: fc.boolean(),
});

const CONDITIONS = [
  ...SAID.map((tag) => ({ tags: [tag] })),
  ...[0, 1, 2].map((about) => ({ tags: [`product:${about}`] })),
  { tags: ['said:1', 'product:2'], types: ['products', 'llm_responses'] },
  { types: ['search_results'] },
  { types: ['embeddings'] },
  { namespaces: ['other'] },
  { models: ['m'] },
  { patterns: ['llm_responses/**'] },
  { patterns: ['products/other/**', 'nothing/*'], namespaces: ['other'] },
] as const;

const ask = (asked: fc.Arbitrary<Wish>): fc.Arbitrary<Step> =>
  fc.record({ step: fc.constant('ask'), wish: asked });
const drop: fc.Arbitrary<Step> = fc.record({ step: fc.constant('drop') });
const other: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ step: fc.constant('begin'), at: few }) },
  {
    weight: 6,
    arbitrary: fc.record({
      step: fc.constant('end'),
      at: few,
      ending: fc.constantFrom('answered', 'answered', 'answered', 'answered', 'failed', 'broken'),
    }),
  },
  { weight: 5, arbitrary: fc.record({ step: fc.constant('read'), at: few }) },
  { weight: 1, arbitrary: fc.record({ step: fc.constant('leave'), at: few }) },
  {
    weight: 4,
    arbitrary: fc.record({
      step: fc.constant('invalidate'),
      aim: fc.oneof(
        { weight: 3, arbitrary: fc.record({ by: fc.constant('key'), at: fc.nat({ max: 9 }) }) },
        {
          weight: 9,
          arbitrary: fc.record({ by: fc.constant('condition'), condition: fc.constantFrom(...CONDITIONS) }),
        },
        { weight: 1, arbitrary: fc.record({ by: fc.constant('everything') }) },
      ),
      effect: fc.constantFrom('purge', 'purge', 'expire'),
    }),
  },
  { weight: 4, arbitrary: fc.record({ step: fc.constant('keep'), at: few }) },
  { weight: 2, arbitrary: fc.record({ step: fc.constant('pass'), ms: fc.constantFrom(1, 40_000, 70_000) }) },
  {
    weight: 1,
    arbitrary: fc.record({ step: fc.constant('set'), ms: fc.constantFrom(-3_600_000, -50, 70_000) }),
  },
  { weight: 2, arbitrary: fc.record({ step: fc.constantFrom('drop', 'flush', 'sweep') }) },
  { weight: 1, arbitrary: fc.record({ step: fc.constant('restart'), killed: fc.boolean() }) },
);
const stories = [
  [
    { weight: 8, arbitrary: ask(wish) },
    { weight: 35, arbitrary: other },
  ],
  [
    { weight: 12, arbitrary: ask(narrow) },
    { weight: 24, arbitrary: other },
    { weight: 4, arbitrary: drop },
  ],
] as const;
const story = fc.oneof(
  ...stories.map((steps) => fc.array(fc.oneof(...steps), { maxLength: 30, size: 'max' })),
);

const QUIET = { namespace: false, tag: 'none', traced: false, refresh: false } as const;

/** Stories that chance tells too seldom. */
const TOLD: Readonly<Record<string, readonly Step[]>> = {
  'a trace of which not all is known, after a crash, still has what it was told before a purge': [
    { step: 'restart', killed: true },
    { step: 'ask', wish: { ...QUIET, kind: 'product', about: 2, refresh: true } },
    { step: 'ask', wish: { ...QUIET, kind: 'stream', about: 2, refresh: true } },
    { step: 'read', at: 0 },
    { step: 'end', at: 0, ending: 'answered' },
    { step: 'ask', wish: { ...QUIET, kind: 'product', about: 2, traced: true, refresh: true } },
    { step: 'invalidate', aim: { by: 'everything' }, effect: 'purge' },
    { step: 'end', at: 0, ending: 'answered' },
    { step: 'keep', at: 0 },
    { step: 'ask', wish: { ...QUIET, kind: 'chat', about: 2, traced: true } },
  ],
  'a batch waits for one item while another request says more of an item that it has': [
    { step: 'ask', wish: { ...QUIET, kind: 'embeddings', about: 0 } },
    { step: 'read', at: 0 },
    { step: 'end', at: 0, ending: 'answered' },
    { step: 'ask', wish: { ...QUIET, kind: 'embeddings', about: 1, tag: 'said:1' } },
    { step: 'read', at: 0 },
    { step: 'ask', wish: { ...QUIET, kind: 'embeddings', about: 0, tag: 'said:2' } },
    { step: 'drop' },
    { step: 'flush' },
    { step: 'end', at: 0, ending: 'answered' },
    { step: 'invalidate', aim: { by: 'condition', condition: { tags: ['said:2'] } }, effect: 'purge' },
    { step: 'keep', at: 0 },
  ],
  'a batch that has one item still reads another when the one is purged and fetched anew': [
    { step: 'ask', wish: { ...QUIET, kind: 'embeddings', about: 0 } },
    { step: 'read', at: 0 },
    { step: 'end', at: 0, ending: 'answered' },
    { step: 'ask', wish: { ...QUIET, kind: 'embeddings', about: 1 } },
    { step: 'invalidate', aim: { by: 'key', at: 1 }, effect: 'purge' },
    { step: 'keep', at: 0 },
    { step: 'ask', wish: { ...QUIET, kind: 'embeddings', about: 0 } },
    { step: 'read', at: 1 },
    { step: 'end', at: 0, ending: 'answered' },
    { step: 'read', at: 0 },
    { step: 'end', at: 0, ending: 'failed' },
  ],
};

describe('fetches, joins, refreshes, restarts and invalidations in any order', () => {
  for (const [about, steps] of Object.entries(TOLD)) it(about, () => play(steps, new MemoryDisk()));

  for (const [where, disk, numRuns] of [
    ['a disk in memory', () => new MemoryDisk(), 10_000],
    ['a folder', () => new FolderDisk(), 100],
  ] as const) {
    it(`${numRuns} stories on ${where}: nothing purged is served, nothing else is lost`, async (t) => {
      const seed = Number(process.env.SEED ?? randomInt(2 ** 31));
      t.diagnostic(`SEED=${seed}`);
      await fc.assert(
        fc.asyncProperty(story, (steps) => play(steps, disk())),
        { numRuns, seed },
      );
    });
  }
});
