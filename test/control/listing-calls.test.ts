import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startControlPlane } from '../support/control-plane.ts';

interface Listing {
  readonly entries: readonly { readonly key: string }[];
  readonly cursor: string | null;
}

const ENTRIES = '/monitoring/cache/entries';

test('an entry is told without its payload, with its times, tags and size', async () => {
  await using plane = await startControlPlane();
  const key = plane.shelf.add('a', {
    type: 'llm_responses',
    model: 'meta/llama 3',
    tags: ['product:7'],
    size: 42,
  });
  const { entries, cursor } = (await plane.ask(ENTRIES)).json();
  const told = {
    key,
    type: 'llm_responses',
    namespace: 'default',
    model: 'meta/llama 3',
    born: '2026-01-01T00:00:00.000Z',
    fresh_until: '2026-01-01T00:01:00.000Z',
    stale_until: '2026-01-01T00:02:00.000Z',
    keep_until: '2026-01-01T00:03:00.000Z',
    tags: ['product:7'],
    size_bytes: 42,
  };
  assert.deepEqual(entries, [told]);
  assert.equal(cursor, null);
  // As answers show it, and percent-encoded as a whole.
  assert.ok(key.includes('meta%2Fllama%203'));
  assert.deepEqual((await plane.ask(`${ENTRIES}/${key}`)).json(), told);
  assert.deepEqual((await plane.ask(`${ENTRIES}/${encodeURIComponent(key)}`)).json(), told);
});

test('a listing comes page by page, each entry once', async () => {
  await using plane = await startControlPlane();
  const keys = new Set(Array.from({ length: 25 }, (_, at) => plane.shelf.add(`entry ${at}`)));
  const pages: number[] = [];
  const seen: string[] = [];
  let cursor: string | null = null;
  do {
    const query: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page = (await plane.ask(`${ENTRIES}?limit=10${query}`)).json() as unknown as Listing;
    pages.push(page.entries.length);
    seen.push(...page.entries.map(({ key }) => key));
    cursor = page.cursor;
  } while (cursor !== null);
  assert.deepEqual(pages, [10, 10, 5]);
  assert.deepEqual(new Set(seen), keys);
  assert.equal(seen.length, keys.size);
});

test('a listing may be of a type, a namespace, a model, a tag or a pattern, and of several', async () => {
  await using plane = await startControlPlane();
  plane.shelf.add('a', { tags: ['product:7'] });
  plane.shelf.add('b', { type: 'search_results', model: 'search', tags: ['product:7', 'product:8'] });
  plane.shelf.add('c', { namespace: 'eu', tags: ['product:8'] });
  const count = async (query: string) =>
    ((await plane.ask(`${ENTRIES}?${query}`)).json() as unknown as Listing).entries.length;
  assert.equal(await count(''), 3);
  assert.equal(await count('type=products'), 2);
  assert.equal(await count('type=products&type=search_results'), 3);
  assert.equal(await count('namespace=eu'), 1);
  assert.equal(await count('model=search'), 1);
  assert.equal(await count('tag=product%3A7'), 2);
  assert.equal(await count('tag=product%3A7&type=products'), 1);
  assert.equal(await count('pattern=*/eu/**'), 1);
});

test('what is asked for wrongly is 400, and what is not there 404', async () => {
  await using plane = await startControlPlane();
  for (const [query, message] of [
    ['limit=0', /limit is "0": expected a whole number from 1 to 1000/],
    ['limit=1&limit=2', /limit has 2 texts/],
    ['type=nothing', /expected a type of the profile/],
    ['tags=a', /"tags" is no field of this call: the nearest is tag\b/],
    ['pattern=a%7Bb', /expected a pattern/],
    ['tag=', /tag\[0\] is "": expected a text/],
  ] as const) {
    const answer = await plane.ask(`${ENTRIES}?${query}`);
    assert.equal(answer.status, 400, query);
    assert.match(answer.body.toString().replaceAll('\\"', '"'), message);
  }
  for (const [key, status] of [
    ['products/default/product/none', 404],
    ['none', 404],
    ['%FF', 400],
  ] as const) {
    assert.equal((await plane.ask(`${ENTRIES}/${key}`)).status, status, key);
  }
});

test('what is told may not be kept by anything on its way', async () => {
  await using plane = await startControlPlane();
  for (const path of [ENTRIES, `${ENTRIES}/v1/none`, '/monitoring/invalidations', '/health/ready'])
    assert.equal((await plane.ask(path)).headers.get('cache-control'), 'no-store', path);
});

test('a cursor that is none is a mistake, and no first page', async () => {
  await using plane = await startControlPlane();
  for (const cursor of ['zzz', '-1', '1.5', '']) {
    const answer = await plane.ask(`${ENTRIES}?cursor=${cursor}`);
    assert.equal(answer.status, 400, cursor);
    assert.match(answer.body.toString(), /"param":"cursor"/);
  }
});
