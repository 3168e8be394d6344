import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startControlPlane } from '../support/control-plane.ts';
import type { Sent } from '../support/http.ts';

const put = (body: Buffer | string, headers: Record<string, string> = {}): Sent => ({
  method: 'PUT',
  body,
  headers: { 'content-type': 'application/json', ...headers },
});

test('a value comes back as it was put, byte for byte, with its content-type, its age and where it was', async () => {
  await using plane = await startControlPlane();
  const bytes = Buffer.from([0, 255, 128, 10, 13]);
  const stored = await plane.ask(
    '/cache/values/products/7',
    put(bytes, { 'content-type': 'application/x-row' }),
  );
  assert.equal(stored.status, 200);
  const { key, ...told } = stored.json();
  assert.match(String(key), /^products\/default\/values\/[\w-]{43}$/);
  assert.deepEqual(told, {
    stored: true,
    type: 'products',
    namespace: 'default',
    model: 'values',
    born: '2026-01-01T00:00:00.000Z',
    fresh_until: '2026-01-01T00:01:00.000Z',
    stale_until: '2026-01-01T00:01:10.000Z',
    keep_until: '2026-01-01T00:02:00.000Z',
    tags: [],
    size_bytes: 5,
  });
  plane.clock.advance(2_500);
  const got = await plane.ask('/cache/values/products/7');
  assert.equal(got.status, 200);
  assert.deepEqual(got.body, bytes);
  const headers = Object.fromEntries(got.headers);
  assert.equal(headers['content-type'], 'application/x-row');
  assert.equal(headers['x-cache'], 'HIT');
  assert.equal(headers['x-cache-level'], 'l1');
  assert.equal(headers['x-cache-key'], key);
  assert.equal(headers.age, '2');
  const head = await plane.ask('/cache/values/products/7', { method: 'HEAD' });
  assert.deepEqual([head.status, head.headers.get('x-cache'), head.body.length], [200, 'HIT', 0]);
});

test('a value is data to a browser, whatever it says it is', async () => {
  await using plane = await startControlPlane();
  await plane.ask(
    '/cache/values/products/7',
    put('<script>alert(1)</script>', { 'content-type': 'text/html' }),
  );
  const { headers } = await plane.ask('/cache/values/products/7');
  assert.equal(headers.get('content-security-policy'), "default-src 'none'; sandbox");
  assert.equal(headers.get('x-content-type-options'), 'nosniff');
  assert.equal(headers.get('cache-control'), 'private, no-cache');
});

test('a value of no type of content is bytes, and one that is packed stays so', async () => {
  await using plane = await startControlPlane();
  await plane.ask('/cache/values/products/7', {
    method: 'PUT',
    body: Buffer.from([31, 139]),
    headers: { 'content-type': undefined, 'content-encoding': 'gzip' },
  });
  const { headers } = await plane.ask('/cache/values/products/7');
  assert.equal(headers.get('content-type'), 'application/octet-stream');
  assert.equal(headers.get('content-encoding'), 'gzip');
});

test('a value lives for its ttl, and for the time in which it may be stale it is given and said to be', async () => {
  await using plane = await startControlPlane();
  await plane.ask('/cache/values/products/7', put('1', { 'x-cache-ttl': '5s' }));
  plane.clock.advance(4_999);
  assert.equal((await plane.ask('/cache/values/products/7')).headers.get('x-cache'), 'HIT');
  plane.clock.advance(1);
  assert.equal((await plane.ask('/cache/values/products/7')).headers.get('x-cache'), 'STALE');
  plane.clock.advance(10_000);
  assert.equal((await plane.ask('/cache/values/products/7')).status, 404);
  const old = await plane.ask('/cache/values/products/7', { headers: { 'cache-control': 'max-stale' } });
  assert.deepEqual([old.status, old.headers.get('x-cache')], [200, 'STALE']);
});

test('a caller may want a younger value than there is', async () => {
  await using plane = await startControlPlane();
  await plane.ask('/cache/values/products/7', put('1'));
  plane.clock.advance(10_000);
  const ask = (directive: string) =>
    plane.ask('/cache/values/products/7', { headers: { 'cache-control': directive } });
  assert.equal((await ask('max-age=5')).status, 404);
  assert.equal((await ask('max-age=15')).status, 200);
  assert.equal((await ask('min-fresh=55')).status, 404);
  assert.equal((await ask('max-age=0')).status, 404);
  assert.equal((await ask('no-cache')).status, 404);
});

test('a value may be to live until after the last moment that has a date, which is told in its place', async () => {
  await using plane = await startControlPlane();
  for (const ttl of ['100000000d', '9007199254740991ms']) {
    const stored = await plane.ask('/cache/values/products/7', put('1', { 'x-cache-ttl': ttl }));
    assert.equal(stored.status, 200);
    assert.equal(stored.json().fresh_until, '+275760-09-13T00:00:00.000Z');
  }
});

test("a ttl is held down to the type's max_ttl", async () => {
  await using plane = await startControlPlane({ maxTtl: 1_000 });
  const { fresh_until } = (
    await plane.ask('/cache/values/products/7', put('1', { 'x-cache-ttl': '1h' }))
  ).json();
  assert.equal(fresh_until, '2026-01-01T00:00:01.000Z');
});

test('a value without any life, or of a type that stores nothing, takes the place of the one before', async () => {
  await using plane = await startControlPlane();
  await plane.ask('/cache/values/products/7', put('old'));
  const none = await plane.ask('/cache/values/products/7', put('new', { 'x-cache-ttl': '0' }));
  assert.deepEqual(none.json(), { stored: false });
  assert.equal((await plane.ask('/cache/values/products/7')).status, 404);
  for (const [mode, stored] of [
    ['read_only', false],
    ['off', false],
    ['shadow', true],
  ] as const) {
    await using other = await startControlPlane({ mode });
    assert.equal((await other.ask('/cache/values/products/7', put('1'))).json().stored, stored, mode);
    assert.equal((await other.ask('/cache/values/products/7')).status, 404, mode);
  }
});

test('a value is one of its type, its namespace and its key, which may have slashes', async () => {
  await using plane = await startControlPlane();
  const ask = (path: string, headers: Record<string, string> = {}) =>
    plane.ask(`/cache/values/${path}`, { headers });
  await plane.ask('/cache/values/products/a/b', put('one'));
  await plane.ask('/cache/values/products/a/b', put('two', { 'x-cache-namespace': 'eu' }));
  await plane.ask(`/cache/values/search_results/${encodeURIComponent('Größe ❤/50%?')}`, put('three'));
  assert.equal((await ask('products/a%2Fb')).body.toString(), 'one');
  assert.equal((await ask('products/a/b', { 'x-cache-namespace': 'eu' })).body.toString(), 'two');
  assert.equal((await ask('products/a/b', { 'x-cache-namespace': 'default' })).body.toString(), 'one');
  assert.equal((await ask('search_results/Gr%C3%B6%C3%9Fe%20%E2%9D%A4%2F50%25%3F')).body.toString(), 'three');
  assert.equal((await plane.ask('/c%61che/values/products/a/b')).body.toString(), 'one');
  assert.equal((await ask('products/a')).status, 404);
  assert.equal((await ask('products/A/b')).status, 404);
});

test('tags of a value are kept with it, each once', async () => {
  await using plane = await startControlPlane();
  const headers = { 'x-cache-tags': ' product:7, brand:acme ,,product:7' };
  const { key, tags } = (await plane.ask('/cache/values/products/7', put('1', headers))).json();
  assert.deepEqual(tags, ['product:7', 'brand:acme']);
  assert.deepEqual(plane.valueTags.get(String(key)), ['product:7', 'brand:acme']);
});

test('DELETE forgets a value, once', async () => {
  await using plane = await startControlPlane();
  await plane.ask('/cache/values/products/7', put('1'));
  const gone = await plane.ask('/cache/values/products/7', { method: 'DELETE' });
  assert.deepEqual([gone.status, gone.json()], [200, { deleted: true }]);
  assert.equal((await plane.ask('/cache/values/products/7')).status, 404);
  assert.equal((await plane.ask('/cache/values/products/7', { method: 'DELETE' })).status, 404);
});

for (const [says, path, headers, body, status, message] of [
  ['an unknown type', 'prodcts/7', {}, '1', 400, /type is "prodcts": .*nearest is products/],
  [
    'a key of 1,025 bytes',
    `products/${'%C3%A4'.repeat(513)}`,
    {},
    '1',
    400,
    /expected at most 1024 bytes, not 1026/,
  ],
  ['a key that is no UTF-8', 'products/%FF', {}, '1', 400, /key is "%FF": expected percent-encoded UTF-8/],
  ['no key', 'products/', {}, '1', 404, /A value is at \/cache\/values\/TYPE\/KEY/],
  ['no key and no slash', 'products', {}, '1', 404, /A value is at \/cache\/values\/TYPE\/KEY/],
  ['a ttl that is none', 'products/7', { 'x-cache-ttl': 'soon' }, '1', 400, /x-cache-ttl is "soon"/],
  [
    '257 tags',
    'products/7',
    { 'x-cache-tags': Array.from({ length: 257 }, (_, at) => at).join() },
    '1',
    400,
    /x-cache-tags is "257 tags": expected at most 256/,
  ],
  [
    'a tag of 1,025 characters',
    'products/7',
    { 'x-cache-tags': 'x'.repeat(1_025) },
    '1',
    400,
    /x-cache-tags is .*1 to 1024 characters/,
  ],
  [
    'a value above server.max_entry',
    'products/7',
    {},
    'x'.repeat(1_000_001),
    413,
    /larger than 1000000 bytes, .*setting server\.max_entry/,
  ],
] as const) {
  test(`${says} is ${status}, and nothing is stored`, async () => {
    await using plane = await startControlPlane();
    const answer = await plane.ask(`/cache/values/${path}`, put(body, headers));
    assert.equal(answer.status, status);
    assert.match(answer.body.toString().replaceAll('\\"', '"'), message);
    assert.equal(plane.valueTags.size, 0);
  });
}

test('a value of exactly server.max_entry bytes is stored, and so is one of none', async () => {
  await using plane = await startControlPlane();
  await plane.ask('/cache/values/products/7', put(Buffer.alloc(1_000_000)));
  assert.equal((await plane.ask('/cache/values/products/7')).body.length, 1_000_000);
  await plane.ask('/cache/values/products/7', put(''));
  const empty = await plane.ask('/cache/values/products/7');
  assert.deepEqual([empty.status, empty.body.length], [200, 0]);
});
