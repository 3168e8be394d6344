import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { lifetimeOf } from '../../src/policy/lifetime.ts';
import { upstreamSays } from '../../src/policy/upstream-lifetime.ts';

const POLICY = { ttl: 100, stale_while_revalidate: 10, stale_if_error: 50, negative_ttl: 0 };

describe('the times of an entry', () => {
  it('are absolute, counted from its birth', () => {
    assert.deepEqual(lifetimeOf(POLICY, 200, undefined, 1_000), {
      born: 1_000,
      freshUntil: 1_100,
      staleUntil: 1_110,
      keepUntil: 1_150,
    });
  });

  it('it is kept to the end of the longer window', () => {
    assert.equal(lifetimeOf({ ...POLICY, stale_while_revalidate: 80 }, 200, undefined, 0)?.keepUntil, 180);
  });

  it("a caller's ttl counts, up to max_ttl", () => {
    assert.equal(lifetimeOf(POLICY, 200, 30, 0)?.freshUntil, 30);
    assert.equal(lifetimeOf(POLICY, 200, 1_000, 0)?.freshUntil, 1_000);
    assert.equal(lifetimeOf({ ...POLICY, max_ttl: 200 }, 200, 1_000, 0)?.freshUntil, 200);
    assert.equal(lifetimeOf({ ...POLICY, max_ttl: 60 }, 200, undefined, 0)?.freshUntil, 60);
  });

  it('no life, no entry', () => {
    assert.equal(lifetimeOf(POLICY, 200, 0, 0), undefined);
    assert.equal(lifetimeOf(POLICY, 404, undefined, 0), undefined);
  });

  it('a 404 lives for negative_ttl and is never served stale', () => {
    assert.deepEqual(lifetimeOf({ ...POLICY, negative_ttl: 7 }, 404, 1_000, 0), {
      born: 0,
      freshUntil: 7,
      staleUntil: 7,
      keepUntil: 7,
    });
  });
});

describe("what an upstream's headers say", () => {
  const says = (headers: Record<string, string>, respect = false) =>
    upstreamSays(Object.entries(headers), ['accept-language'], respect);

  for (const [headers, reason] of [
    [{ 'set-cookie': 'a=1' }, 'set-cookie'],
    [{ 'cache-control': 'Private="x", max-age=5' }, 'upstream-private'],
    [{ 'cache-control': 'no-store' }, 'upstream-no-store'],
    [{ vary: 'Accept-Language, Cookie' }, 'vary'],
    [{ vary: '*' }, 'vary'],
  ] as const) {
    it(`${JSON.stringify(headers)}: one caller's own`, () =>
      assert.deepEqual(says(headers), { kind: 'personal', reason }));
  }

  it('vary on what is keyed, or makes no difference here, is none', () => {
    assert.deepEqual(says({ vary: 'accept-encoding, Accept-Language, Origin' }), {
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

  it('s-maxage counts before max-age, max-age before Expires, less its age', () => {
    const date = 'Wed, 25 Nov 2026 00:00:00 GMT';
    const expires = 'Wed, 25 Nov 2026 00:01:00 GMT';
    assert.equal(lifetime({ 'cache-control': 's-maxage=30, max-age=10', expires, date })?.ttl, 30_000);
    assert.equal(lifetime({ 'cache-control': 'max-age="10"', expires, date, age: '4' })?.ttl, 6_000);
    assert.equal(lifetime({ expires, date })?.ttl, 60_000);
    assert.equal(lifetime({ expires: '0', date })?.ttl, 0);
    assert.equal(lifetime({ 'cache-control': 'max-age=soon' })?.ttl, 0);
    assert.equal(lifetime({}), undefined);
  });

  it('stale windows are what it says, and none where it must be asked', () => {
    const windows = 'stale-while-revalidate=5, stale-if-error=9';
    assert.deepEqual(lifetime({ 'cache-control': `max-age=1, ${windows}` }), {
      ttl: 1_000,
      stale_while_revalidate: 5_000,
      stale_if_error: 9_000,
    });
    for (const word of ['must-revalidate', 'proxy-revalidate', 's-maxage=1']) {
      assert.deepEqual(lifetime({ 'cache-control': `max-age=1, ${windows}, ${word}` }), {
        ttl: 1_000,
        stale_while_revalidate: 0,
        stale_if_error: 0,
      });
    }
  });
});
