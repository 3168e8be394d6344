import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Report, reportHeaders } from '../../src/http/report.ts';

describe('cache-status (RFC 9211)', () => {
  for (const [report, says] of [
    [{ outcome: 'HIT', level: 'l1', ttlMs: 1_712_900 }, 'reprise; hit; ttl=1712; detail=l1'],
    [{ outcome: 'STALE', level: 'l2', ttlMs: -4_200 }, 'reprise; hit; ttl=-5; detail=l2'],
    [
      { outcome: 'MISS', reason: 'absent', fwdStatus: 200, stored: true },
      'reprise; fwd=miss; fwd-status=200; stored',
    ],
    [
      { outcome: 'MISS', reason: 'expired', fwdStatus: 200, stored: false },
      'reprise; fwd=stale; fwd-status=200',
    ],
    [{ outcome: 'COALESCED' }, 'reprise; fwd=miss; collapsed'],
    [{ outcome: 'REFRESH', fwdStatus: 200, stored: true }, 'reprise; fwd=request; fwd-status=200; stored'],
    [
      { outcome: 'PARTIAL', fwdStatus: 200, parts: { hits: 3, total: 5 } },
      'reprise; fwd=partial; fwd-status=200; detail="3/5"',
    ],
    [
      { outcome: 'BYPASS', reason: 'tool:web_search', fwdStatus: 200 },
      'reprise; fwd=bypass; fwd-status=200; detail="tool:web_search"',
    ],
  ] as const) {
    it(says, () => assert.equal(new Map(reportHeaders(report)).get('cache-status'), says));
  }
});

describe('what a client is told', () => {
  const told = (report: Report) => Object.fromEntries(reportHeaders(report));

  it('of a hit: its level, key, parts and age', () => {
    const report: Report = {
      ...{ outcome: 'HIT', level: 'l2', key: 'embeddings/default/m/x', parts: { hits: 2, total: 2 } },
      ...{ ageMs: 61_999, ttlMs: 999 },
    };
    assert.deepEqual(told(report), {
      'x-cache': 'HIT',
      'x-cache-level': 'l2',
      'x-cache-key': 'embeddings/default/m/x',
      'x-cache-parts': '2/2',
      age: '61',
      'cache-status': 'reprise; hit; ttl=0; detail=l2',
    });
  });

  it('of what was fetched: why, and no age', () => {
    assert.deepEqual(told({ outcome: 'MISS', reason: 'invalidated', parts: { hits: 0, total: 1 } }), {
      'x-cache': 'MISS',
      'x-cache-reason': 'invalidated',
      'x-cache-parts': '0/1',
      'cache-status': 'reprise; fwd=miss',
    });
  });

  it('a reason belongs to the call of the one who made it, not to who joined or was served in part', () => {
    for (const outcome of ['COALESCED', 'PARTIAL'] as const) {
      assert.equal(
        told({ outcome, reason: 'absent', parts: { hits: 1, total: 2 } })['x-cache-reason'],
        undefined,
      );
    }
  });

  it('an age is whole seconds and never negative, though the clock may be set back', () => {
    assert.equal(told({ outcome: 'HIT', ageMs: -5_000 }).age, '0');
    assert.equal(told({ outcome: 'HIT', ageMs: 999.9 }).age, '0');
  });

  it('hit and fwd exclude each other, and every parameter is one that RFC 9211 knows', () => {
    const outcomes = ['HIT', 'MISS', 'PARTIAL', 'COALESCED', 'STALE', 'REFRESH', 'BYPASS'] as const;
    for (const outcome of outcomes) {
      const report: Report = {
        ...{ outcome, reason: 'expired', level: 'l1', parts: { hits: 1, total: 2 }, ageMs: 1, ttlMs: 1 },
        ...{ fwdStatus: 200, stored: true },
      };
      const [name, ...parameters] = (told(report)['cache-status'] ?? '').split('; ');
      assert.equal(name, 'reprise');
      const names = parameters.map((parameter) => parameter.split('=')[0] ?? '');
      assert.notEqual(names.includes('hit'), names.includes('fwd'), outcome);
      assert.equal(new Set(names).size, names.length, outcome);
      for (const parameter of parameters) assert.match(parameter, PARAMETER, outcome);
    }
  });
});

// RFC 9211 §2 and RFC 9651 §3.1.2: names, and tokens, integers and strings for values.
const PARAMETER =
  /^(?:hit|stored|collapsed|fwd=(?:bypass|request|stale|partial|miss)|fwd-status=\d{3}|ttl=-?\d{1,15}|detail=(?:[a-z][\w:-]*|"[ -!#-[\]-~]*"))$/;
