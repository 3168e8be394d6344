import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Demands, judge, type Verdict } from '../../src/policy/judge.ts';

// Fresh for 100 s, then stale for 20 s, then kept in case of errors until 300 s.
const TIMES = { born: 0, freshUntil: 100_000, staleUntil: 120_000, keepUntil: 300_000 };
const NONE: Demands = {
  maxAgeMs: undefined,
  minFreshMs: undefined,
  maxStaleMs: undefined,
  staleIfErrorMs: undefined,
};

const CASES: readonly (readonly [at: number, demands: Partial<Demands>, verdict: Verdict])[] = [
  [0, {}, 'fresh'],
  [99_999, {}, 'fresh'],
  [100_000, {}, 'stale'],
  [119_999, {}, 'stale'],
  [120_000, {}, 'grace'],
  [299_999, {}, 'grace'],
  [300_000, {}, 'dead'],
  // Two clocks that are kept in time differ by less than a second …
  [-1_000, {}, 'fresh'],
  [-1_000, { maxAgeMs: 0 }, 'fresh'],
  // … and one that stands before an entry's birth by more has been set back: the entry's age is not known.
  [-1_001, {}, 'dead'],
  [-3_600_000, { maxStaleMs: Number.POSITIVE_INFINITY }, 'dead'],
  [50_000, { maxAgeMs: 50_000 }, 'fresh'],
  [50_001, { maxAgeMs: 50_000 }, 'grace'],
  [110_000, { maxAgeMs: 50_000 }, 'grace'],
  [110_000, { maxAgeMs: 200_000 }, 'stale'],
  [50_000, { minFreshMs: 49_999 }, 'fresh'],
  [50_000, { minFreshMs: 50_000 }, 'fresh'],
  [50_000, { minFreshMs: 50_001 }, 'grace'],
  [50_000, { minFreshMs: Number.POSITIVE_INFINITY }, 'grace'],
  [100_000, { minFreshMs: 0 }, 'grace'],
  [99_999, { minFreshMs: 0 }, 'fresh'],
  [110_000, { minFreshMs: 0 }, 'grace'],
  [150_000, { maxStaleMs: 50_000 }, 'fresh'],
  [150_001, { maxStaleMs: 50_000 }, 'grace'],
  [299_999, { maxStaleMs: Number.POSITIVE_INFINITY }, 'fresh'],
  [300_000, { maxStaleMs: Number.POSITIVE_INFINITY }, 'dead'],
  [150_000, { maxStaleMs: 50_000, maxAgeMs: 100_000 }, 'grace'],
  [150_000, { maxStaleMs: 50_000, minFreshMs: 1 }, 'grace'],
  [200_000, { staleIfErrorMs: 100_000 }, 'grace'],
  [200_001, { staleIfErrorMs: 100_000 }, 'dead'],
  [110_000, { staleIfErrorMs: 0 }, 'stale'],
  [120_000, { staleIfErrorMs: 0 }, 'dead'],
  [50_000, { maxAgeMs: 0, staleIfErrorMs: 0 }, 'grace'],
  [299_999, { staleIfErrorMs: Number.POSITIVE_INFINITY }, 'grace'],
  [300_000, { staleIfErrorMs: Number.POSITIVE_INFINITY }, 'dead'],
  [0, { maxAgeMs: 0 }, 'fresh'],
  [1, { maxAgeMs: 0 }, 'grace'],
  [110_000, { maxStaleMs: 0 }, 'stale'],
  [100_000, { maxStaleMs: 0 }, 'fresh'],
];

// Two windows of no length, as most types have one.
const BRIEF = { born: 0, freshUntil: 10, staleUntil: 10, keepUntil: 10 };

describe('judging an entry', () => {
  it('without windows it is fresh, then dead', () => {
    assert.equal(judge(BRIEF, 9, NONE), 'fresh');
    assert.equal(judge(BRIEF, 10, NONE), 'dead');
    assert.equal(judge(BRIEF, 10, { ...NONE, maxStaleMs: 100 }), 'dead');
  });

  it('a caller who demands more never gets a better verdict than one who demands nothing', () => {
    const rank: readonly Verdict[] = ['dead', 'grace', 'stale', 'fresh'];
    for (let at = 0; at <= 310_000; at += 5_000) {
      const least = rank.indexOf(judge(TIMES, at, NONE));
      for (const time of [0, 20_000, 150_000]) {
        for (const demand of ['maxAgeMs', 'minFreshMs', 'staleIfErrorMs'] as const) {
          const verdict = judge(TIMES, at, { ...NONE, [demand]: time });
          assert(rank.indexOf(verdict) <= least, `${demand}=${time} at ${at}: ${verdict}`);
        }
      }
    }
  });

  for (const [at, demands, verdict] of CASES) {
    it(`at ${at / 1000} s for ${JSON.stringify(demands)}: ${verdict}`, () => {
      assert.equal(judge(TIMES, at, { ...NONE, ...demands }), verdict);
    });
  }
});
