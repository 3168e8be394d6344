import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { upstreamSays } from '../../src/policy/upstream-lifetime.ts';

describe("what an upstream's headers say", () => {
  const says = (headers: Record<string, string>, respect = false) =>
    upstreamSays(Object.entries(headers), ['accept-language'], respect);

  for (const [headers, reason] of [
    [{ 'set-cookie': 'a=1' }, 'set-cookie'],
    [{ 'cache-control': 'Private="x", max-age=5' }, 'upstream-private'],
    [{ 'cache-control': 'no-store' }, 'upstream-no-store'],
    [{ vary: 'Accept-Language, Cookie' }, 'vary'],
    [{ vary: '*' }, 'vary'],
    [{ vary: 'Origin' }, 'vary'],
    [{ vary: 'accept-encoding, authorization' }, 'vary'],
    [{ 'cache-control': 'public, PRIVATE' }, 'upstream-private'],
    [{ 'cache-control': 'must-understand, no-store' }, 'upstream-no-store'],
    [{ 'cache-control': 'x="unclosed, no-store' }, 'upstream-no-store'],
    [{ 'cache-control': 'max-age=5', 'set-cookie': '' }, 'set-cookie'],
  ] as const) {
    it(`${JSON.stringify(headers)}: one caller's own`, () =>
      assert.deepEqual(says(headers), { kind: 'personal', reason }));
  }

  it('vary on what is keyed, or makes no difference here, is none', () => {
    assert.deepEqual(says({ vary: 'accept-encoding, Accept-Language' }), {
      kind: 'store',
      lifetime: undefined,
    });
  });

  it('its freshness is asked only where the route says so', () => {
    assert.deepEqual(says({ 'cache-control': 'no-cache, max-age=5' }), {
      kind: 'store',
      lifetime: undefined,
    });
    assert.deepEqual(says({ 'cache-control': 'no-cache' }, true), {
      kind: 'personal',
      reason: 'upstream-no-cache',
    });
  });

  const lifetime = (headers: Record<string, string>) => {
    const said = says(headers, true);
    assert.equal(said.kind, 'store');
    return said.kind === 'store' ? said.lifetime : undefined;
  };

  it('s-maxage counts before max-age, max-age before Expires, and its age is told', () => {
    const date = 'Wed, 25 Nov 2026 00:00:00 GMT';
    const expires = 'Wed, 25 Nov 2026 00:01:00 GMT';
    assert.equal(lifetime({ 'cache-control': 's-maxage=30, max-age=10', expires, date })?.ttl, 30_000);
    assert.equal(lifetime({ 'cache-control': 'max-age="10"', expires, date, age: '4' })?.ttl, 10_000);
    assert.equal(lifetime({ 'cache-control': 'max-age=10', age: '4' })?.age, 4_000);
    assert.equal(lifetime({ expires, date })?.ttl, 60_000);
    assert.equal(lifetime({ expires: '0', date })?.ttl, 0);
    assert.equal(lifetime({ 'cache-control': 'max-age=soon' })?.ttl, 0);
    assert.deepEqual(lifetime({}), { age: 0 });
    assert.deepEqual(lifetime({ age: '4' }), { age: 4_000 });
    assert.deepEqual(lifetime({ 'cache-control': 'must-revalidate' }), {
      age: 0,
      stale_while_revalidate: 0,
      stale_if_error: 0,
    });
  });

  it('stale windows are what it says, and none where it must be asked', () => {
    const windows = 'stale-while-revalidate=5, stale-if-error=9';
    assert.deepEqual(lifetime({ 'cache-control': `max-age=1, ${windows}` }), {
      age: 0,
      ttl: 1_000,
      stale_while_revalidate: 5_000,
      stale_if_error: 9_000,
    });
    for (const word of ['must-revalidate', 'proxy-revalidate', 's-maxage=1']) {
      assert.deepEqual(lifetime({ 'cache-control': `max-age=1, ${windows}, ${word}` }), {
        age: 0,
        ttl: 1_000,
        stale_while_revalidate: 0,
        stale_if_error: 0,
      });
    }
  });

  it('a directive counts on any of several lines, a word in quotes on none', () => {
    const lines = [
      ['cache-control', 'max-age=5'],
      ['cache-control', 'private'],
    ] as const;
    assert.deepEqual(upstreamSays(lines, [], false), { kind: 'personal', reason: 'upstream-private' });
    const quoted = { 'cache-control': 'x="a, no-store, private, max-age=9", max-age=5' };
    assert.equal(lifetime(quoted)?.ttl, 5_000);
  });

  it('of a directive given twice the first counts', () => {
    assert.equal(lifetime({ 'cache-control': 'max-age=5, max-age=900' })?.ttl, 5_000);
  });

  it('a time too large to count is 2^31 seconds', () => {
    const longest = 2 ** 31 * 1000;
    assert.equal(lifetime({ 'cache-control': `max-age=${'9'.repeat(30)}` })?.ttl, longest);
    assert.equal(lifetime({ 'cache-control': 'max-age=31536000000' })?.ttl, longest);
  });

  for (const [age, ms] of [
    ['4', 4_000],
    ['4, 100', 4_000],
    ['-4', 0],
    ['soon', 0],
    ['1e0', 0],
    ['', 0],
  ] as const) {
    it(`the age "${age}" is ${ms / 1_000} s`, () => {
      assert.equal(lifetime({ 'cache-control': 'max-age=10', age })?.age, ms);
    });
  }

  const DATE = 'Sun, 06 Nov 1994 08:49:37 GMT';
  for (const [expires, ttl] of [
    ['Sun, 06 Nov 1994 08:50:37 GMT', 60_000],
    ['Sunday, 06-Nov-94 08:50:37 GMT', 60_000],
    ['Sun Nov  6 08:50:37 1994', 60_000],
    ['Sun, 06 Nov 1994 08:49:36 GMT', 0],
    ['0', 0],
    ['-1', 0],
    ['3600', 0],
    ['2199-01-01', 0],
    ['Sun, 06 Nov 2194 08:50:37 +0900', 0],
    ['never', 0],
    ['', 0],
  ] as const) {
    it(`what expires at "${expires}" lives for ${ttl / 1_000} s`, () => {
      assert.equal(lifetime({ expires, date: DATE })?.ttl, ttl);
    });
  }

  it('without a date nothing is known of when it expires', () => {
    assert.equal(lifetime({ expires: DATE })?.ttl, 0);
    assert.equal(lifetime({ expires: DATE, 'cache-control': 'max-age=1' })?.ttl, 1_000);
  });
});
