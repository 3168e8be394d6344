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
  // Set back by an operator, the clock may stand before an entry's birth.
  [-50_000, {}, 'fresh'],
  [50_000, { maxAgeMs: 50_000 }, 'fresh'],
  [50_001, { maxAgeMs: 50_000 }, 'grace'],
  [110_000, { maxAgeMs: 50_000 }, 'grace'],
  [110_000, { maxAgeMs: 200_000 }, 'stale'],
  [50_000, { minFreshMs: 49_999 }, 'fresh'],
  [50_000, { minFreshMs: 50_001 }, 'grace'],
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
];

describe('judging an entry', () => {
  for (const [at, demands, verdict] of CASES) {
    it(`at ${at / 1000} s for ${JSON.stringify(demands)}: ${verdict}`, () => {
      assert.equal(judge(TIMES, at, { ...NONE, ...demands }), verdict);
    });
  }
});
