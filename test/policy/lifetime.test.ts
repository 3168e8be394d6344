import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { lifetimeOf } from '../../src/policy/lifetime.ts';

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
    assert.equal(lifetimeOf({ ...POLICY, ttl: 0 }, 200, undefined, 0), undefined);
    assert.equal(lifetimeOf({ ...POLICY, max_ttl: 0 }, 200, 1_000, 0), undefined);
  });

  it("a type without life of its own may be given one by its caller, with the type's windows", () => {
    assert.deepEqual(lifetimeOf({ ...POLICY, ttl: 0 }, 200, 30, 0), {
      ...{ born: 0, freshUntil: 30, staleUntil: 40, keepUntil: 80 },
    });
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
