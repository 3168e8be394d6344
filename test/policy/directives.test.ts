import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readDirectives, readTrace } from '../../src/policy/directives.ts';

const read = (headers: Record<string, string>) => readDirectives((name) => headers[name]);
const traceOf = (headers: Record<string, string>) => readTrace((name) => headers[name]);
const control = (value: string) => read({ 'cache-control': value });

describe('what a caller asks of the cache', () => {
  it('nothing, without a header', () => {
    assert.deepEqual(read({}), {
      refresh: false,
      noStore: false,
      onlyIfCached: false,
      maxAgeMs: undefined,
      minFreshMs: undefined,
      maxStaleMs: undefined,
      staleIfErrorMs: undefined,
      ttlMs: undefined,
      namespace: '',
      variant: '',
      identity: 'keep',
      tags: [],
    });
  });

  it('the directives of RFC 9111, in any case, with blanks, in one header', () => {
    const asked = control(
      'No-Cache , no-store,ONLY-IF-CACHED, max-age=60, min-fresh="5", max-stale=10, stale-if-error=9',
    );
    assert.equal(asked.refresh, true);
    assert.equal(asked.noStore, true);
    assert.equal(asked.onlyIfCached, true);
    assert.deepEqual(
      [asked.maxAgeMs, asked.minFreshMs, asked.maxStaleMs, asked.staleIfErrorMs],
      [60_000, 5_000, 10_000, 9_000],
    );
  });

  it('max-age=0 asks anew, and max-stale alone takes any age', () => {
    assert.equal(control('max-age=0').refresh, true);
    assert.equal(control('max-age=1').refresh, false);
    assert.equal(control('max-stale').maxStaleMs, Number.POSITIVE_INFINITY);
  });

  it('unknown directives are ignored', () => {
    assert.deepEqual(control('no-transform, x=1, , __proto__, toString'), read({}));
  });

  it('a time that cannot be read counts as the strictest one', () => {
    assert.equal(control('max-age=soon').refresh, true);
    assert.equal(control('max-age').refresh, true);
    assert.equal(control('min-fresh=-1').minFreshMs, Number.POSITIVE_INFINITY);
    assert.equal(control('max-stale=1.5').maxStaleMs, 0);
    assert.equal(control('max-stale=').maxStaleMs, 0);
    assert.equal(control('stale-if-error').staleIfErrorMs, 0);
    assert.equal(control('max-age=5 5').refresh, true);
  });

  it('a time too large to count is 2^31 seconds', () => {
    for (const seconds of ['2147483648', '99999999999999', '9'.repeat(400)]) {
      assert.equal(control(`max-age=${seconds}`).maxAgeMs, 2 ** 31 * 1000);
    }
    assert.equal(control('max-age=2147483647').maxAgeMs, (2 ** 31 - 1) * 1000);
  });

  it('of a directive given twice the strictest counts, whichever comes first', () => {
    for (const [one, other] of [
      ['max-age=0', 'max-age=600'],
      ['min-fresh=60', 'min-fresh=1'],
      ['max-stale=1', 'max-stale'],
      ['stale-if-error=0', 'stale-if-error=60'],
    ]) {
      assert.deepEqual(control(`${one}, ${other}`), control(`${one}`));
      assert.deepEqual(control(`${other}, ${one}`), control(`${one}`));
    }
  });

  it('what stands in quotes is no directive, unless the quotes are never closed', () => {
    assert.deepEqual(control('x="a, no-store, no-cache", y="max-age=0"'), read({}));
    assert.equal(control('x="a, no-store').noStore, true);
    assert.equal(control('max-age="5, no-store').noStore, true);
  });

  it('an argument where none belongs changes nothing', () => {
    assert.equal(control('no-store=1').noStore, true);
    assert.equal(control('no-cache="authorization"').refresh, true);
    assert.equal(control('only-if-cached=').onlyIfCached, true);
  });

  it('our own headers', () => {
    const asked = read({
      'x-cache-ttl': ' 90s ',
      'x-cache-namespace': ' shop ',
      'x-cache-variant': '3',
      'x-cache-identity': 'Fresh',
    });
    assert.deepEqual(
      [asked.ttlMs, asked.namespace, asked.variant, asked.identity],
      [90_000, 'shop', '3', 'fresh'],
    );
  });

  it('names may be as long as 256 characters, and a life may be none', () => {
    const name = 'n'.repeat(256);
    assert.equal(read({ 'x-cache-namespace': ` ${name} ` }).namespace, name);
    assert.equal(read({ 'x-cache-variant': '' }).variant, '');
    assert.equal(read({ 'x-cache-ttl': '0s' }).ttlMs, 0);
  });

  it('tags between commas', () => {
    assert.deepEqual(read({ 'x-cache-tags': ' product:1,, a b, Product:1' }).tags, [
      'product:1',
      'a b',
      'Product:1',
    ]);
  });

  it('a trace, by its own header or else by the one of W3C', () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    assert.equal(traceOf({ traceparent }), '0af7651916cd43dd8448eb211c80319c');
    assert.equal(traceOf({ traceparent, 'x-cache-trace': ' question 7 ' }), 'question 7');
    assert.equal(traceOf({ traceparent, 'x-cache-trace': '' }), '0af7651916cd43dd8448eb211c80319c');
    assert.equal(traceOf({ traceparent: 'unreadable' }), undefined);
  });

  for (const [name, value] of [
    ['x-cache-ttl', 'soon'],
    ['x-cache-ttl', '-1s'],
    ['x-cache-ttl', '90'],
    ['x-cache-ttl', ''],
    ['x-cache-ttl', '1s, 2s'],
    ['x-cache-identity', ''],
    ['x-cache-identity', 'new'],
    ['x-cache-namespace', 'n'.repeat(257)],
    ['x-cache-namespace', 'gr\u00c3\u00bcn'],
    ['x-cache-variant', 'n'.repeat(257)],
    ['x-cache-tags', `a,${'x'.repeat(1025)}`],
    ['x-cache-tags', 'a\u0000'],
    ['x-cache-tags', 'gr\u00c3\u00bcn'],
  ] as const) {
    it(`${name}: ${value.slice(0, 10)} is refused by name`, () => {
      assert.throws(() => read({ [name]: value }), {
        code: 'invalid_request',
        param: name,
        message: /expected/,
      });
    });
  }

  it('a trace that is too long is refused by name', () => {
    const refusal = { code: 'invalid_request', param: 'x-cache-trace', message: /expected/ };
    assert.throws(() => traceOf({ 'x-cache-trace': 'n'.repeat(257) }), refusal);
  });
});
