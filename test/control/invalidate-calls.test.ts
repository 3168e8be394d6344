import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import type { Answer } from '../support/http.ts';

/** A control plane over a small shop's entries. */
async function shop(): Promise<ControlPlane> {
  const plane = await startControlPlane();
  plane.shelf.add('seven', { tags: ['product:7', 'brand:acme'] });
  plane.shelf.add('eight', { tags: ['product:8'], namespace: 'eu' });
  plane.shelf.add('search', { type: 'search_results', model: 'search', tags: ['product:7', 'product:8'] });
  plane.shelf.add('prose', { type: 'llm_responses', model: 'gpt-5-mini', tags: ['product:7'] });
  return plane;
}

const post = (plane: ControlPlane, body: object | string | Buffer): Promise<Answer> =>
  plane.ask('/cache/invalidate', { method: 'POST', body, headers: { 'content-type': 'application/json' } });

const errorOf = (answer: Answer) => answer.json().error as { code: string; message: string; param: string };

test('a tag purges every entry that has it, and says which', async () => {
  await using plane = await shop();
  const answer = await post(plane, { tags: 'product:7' });
  assert.equal(answer.status, 200);
  const { id, matched, invalidated, dry_run, sample, ...more } = answer.json();
  assert.deepEqual(
    { id, matched, invalidated, dry_run, more },
    { id: 'inv_1', matched: 3, invalidated: 3, dry_run: false, more: {} },
  );
  assert.equal((sample as string[]).length, 3);
  assert.deepEqual(
    plane.shelf.left().map(({ key }) => key.split('/', 2).join('/')),
    ['products/eu'],
  );
});

test('conditions are ANDed, the members of each ORed, and one value may stand for a list', async () => {
  await using plane = await shop();
  const both = await post(plane, { tags: ['product:7', 'product:8'], type: ['products'], namespace: 'eu' });
  assert.equal(both.json().matched, 1);
  const models = await post(plane, { model: ['gpt-5-mini', 'search'], pattern: ['llm_*/**', 'x/**'] });
  assert.equal(models.json().matched, 1);
  const types = await post(plane, { type: ['products', 'search_results'], dry_run: true });
  assert.equal(types.json().matched, 2);
  assert.equal(plane.shelf.left().length, 2);
  assert.deepEqual(plane.shelf.orders[0], {
    condition: { tags: ['product:7', 'product:8'], types: ['products'], namespaces: ['eu'] },
    effect: 'purge',
    by: 'api',
    dryRun: false,
  });
});

test('a key, as answers show it, drops that entry', async () => {
  await using plane = await shop();
  const [first] = plane.shelf.left();
  assert.equal((await post(plane, { keys: first?.key })).json().matched, 1);
  assert.ok(plane.shelf.left().every(({ key }) => key !== first?.key));
});

test('a dry run counts and touches nothing', async () => {
  await using plane = await shop();
  const { matched, invalidated, dry_run } = (await post(plane, { tags: 'product:7', dry_run: true })).json();
  assert.deepEqual({ matched, invalidated, dry_run }, { matched: 3, invalidated: 0, dry_run: true });
  assert.equal(plane.shelf.left().length, 4);
});

test('expire leaves entries for when the upstream fails', async () => {
  await using plane = await shop();
  assert.equal((await post(plane, { tags: 'product:8', mode: 'expire' })).json().invalidated, 2);
  assert.equal(plane.shelf.left().filter(({ expired }) => expired).length, 2);
});

const nested = `{"tags":${'['.repeat(5_000)}${']'.repeat(5_000)}}`;
for (const [says, body, message, param] of [
  [
    'an empty condition',
    {},
    /the condition is missing: expected some of keys, pattern, tags, type, namespace, model/,
    'the condition',
  ],
  ['an empty body', '', /the condition is missing/, 'the condition'],
  ['a condition of nothing but its mode', { mode: 'purge' }, /the condition is missing/, 'the condition'],
  ['an empty list', { tags: [], type: 'products' }, /tags is \[\]: expected at least one text/, 'tags'],
  ['an empty text', { tags: ['a', ''] }, /tags\[1\] is "": expected a text/, 'tags'],
  ['null', { tags: null }, /tags is null: expected a text/, 'tags'],
  ['a tag that nothing can have', { tags: 'a\ud800' }, /tags is "a\\ud800": expected a tag/, 'tags'],
  ['null for a switch', { tags: 'a', dry_run: null }, /dry_run is null: expected true or false/, 'dry_run'],
  ['null for a word', { tags: 'a', mode: null }, /mode is null: expected purge or expire/, 'mode'],
  ['a number for a tag', { tags: [7] }, /tags\[0\] is 7: expected a text/, 'tags'],
  ['a map for a tag', { tags: { id: 7 } }, /tags is \{"id":7\}: expected a text/, 'tags'],
  [
    'a tag with a line end',
    { tags: 'a\r\nb' },
    /tags is "a\\r\\nb": expected a text without control characters/,
    'tags',
  ],
  [
    'a tag of 1,025 characters',
    { tags: 'x'.repeat(1_025) },
    /tags has 1025 characters: expected at most 1024/,
    'tags',
  ],
  [
    '10,001 tags',
    { tags: Array.from({ length: 10_001 }, (_, at) => `t${at}`) },
    /tags has 10001 texts: expected at most 10000/,
    'tags',
  ],
  [
    '10,001 keys',
    { keys: Array.from({ length: 10_001 }, (_, at) => `k${at}`) },
    /keys has 10001 texts: expected at most 10000/,
    'keys',
  ],
  ['an unknown field', { tgas: 'a' }, /"tgas" is no field of this call: the nearest is tags/, 'tgas'],
  [
    'the name of a prototype',
    '{"__proto__":{"tags":"a"}}',
    /"__proto__" is no field of this call/,
    '__proto__',
  ],
  [
    'an unknown type',
    { type: 'prodcts' },
    /type is "prodcts": expected a type of the profile; the nearest is products/,
    'type',
  ],
  ['an unknown mode', { tags: 'a', mode: 'soft' }, /mode is "soft": expected purge or expire/, 'mode'],
  ['dry_run as a text', { tags: 'a', dry_run: 'yes' }, /dry_run is "yes": expected true or false/, 'dry_run'],
  [
    'a pattern of 10,000 characters',
    { pattern: '*'.repeat(10_000) },
    /pattern is "\*+…: expected a pattern of at most 512 characters/,
    'pattern',
  ],
  [
    'a pattern of nested braces',
    { pattern: '{a,{b,{c,{d}}}}' },
    /expected a pattern of at most 512 characters/,
    'pattern',
  ],
  ['a pattern with an open brace', { pattern: 'a{b' }, /pattern is "a\{b": expected a pattern/, 'pattern'],
  [
    'a pattern of 65 alternatives',
    { pattern: `{${Array.from({ length: 65 }, (_, at) => at).join()}}` },
    /at most 64 alternatives/,
    'pattern',
  ],
  [
    '101 patterns',
    { pattern: Array.from({ length: 101 }, (_, at) => `${at}`) },
    /pattern has 101 texts: expected at most 100/,
    'pattern',
  ],
  ['broken JSON', '{"tags":', /The body is no JSON: /, null],
  ['bytes that are no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), /The body is no JSON: /, null],
  ['a list', '["a"]', /the body is \["a"\]: expected a JSON object/, 'the body'],
  ['a text', '"all"', /the body is "all": expected a JSON object/, 'the body'],
  ['null as a whole', 'null', /the body is null: expected a JSON object/, 'the body'],
  ['lists 5,000 deep', nested, /tags\[0\] is \[+…: expected a text/, 'tags'],
] as const) {
  test(`${says} is 400, and nothing is dropped`, async () => {
    await using plane = await shop();
    const answer = await post(plane, body);
    assert.equal(answer.status, 400);
    const error = errorOf(answer);
    assert.equal(error.code, 'invalid_request');
    assert.match(error.message, message);
    assert.equal(error.param, param);
    assert.ok(error.message.length < 600, `${error.message.length} characters`);
    assert.deepEqual(plane.shelf.orders, []);
  });
}

test('10,000 tags in one call are taken', async () => {
  await using plane = await shop();
  const tags = Array.from({ length: 10_000 }, (_, at) => `product:${at}`);
  assert.equal((await post(plane, { tags })).json().matched, 4);
});

test('odd characters in a tag are characters like others', async () => {
  await using plane = await startControlPlane();
  for (const tag of ['a b', 'Ärger', '🛒', '"; drop', '%2F', '{a,b}', '*', ' x ', "'", 'a,b']) {
    plane.shelf.add(tag, { tags: [tag] });
    assert.equal((await post(plane, { tags: tag })).json().matched, 1, tag);
  }
});

test('a body of 50 MB is 413, and the server goes on', async () => {
  await using plane = await shop();
  const answer = await post(plane, Buffer.alloc(50_000_000, ' '));
  assert.equal(answer.status, 413);
  assert.match(errorOf(answer).message, /larger than 5000000 bytes, .*\(a fixed bound of calls like this\)/);
  assert.equal((await post(plane, { tags: 'product:7' })).status, 200);
});

test('PURGE / with surrogate-key or cache-tag is a purge by tags, and with fastly-soft-purge an expiry', async () => {
  await using plane = await shop();
  const purge = (headers: Record<string, string>) => plane.ask('/', { method: 'PURGE', headers });
  assert.equal((await purge({ 'cache-tag': 'brand:acme, brand:other' })).json().invalidated, 1);
  const soft = await purge({ 'surrogate-key': 'product:8 product:9', 'fastly-soft-purge': '1' });
  assert.equal(soft.json().invalidated, 2);
  assert.equal(plane.shelf.left().filter(({ expired }) => expired).length, 2);
  assert.deepEqual(plane.shelf.orders.at(-1)?.condition, { tags: ['product:8', 'product:9'] });
  // What an upstream says between blanks is one tag, commas and all.
  await purge({ 'surrogate-key': 'a,b' });
  assert.deepEqual(plane.shelf.orders.at(-1)?.condition, { tags: ['a,b'] });
  const bare = await purge({});
  assert.equal(bare.status, 400);
  assert.match(
    errorOf(bare).message,
    /surrogate-key is missing: expected the tags to purge there, or in cache-tag/,
  );
});

test('PURGE / with a tag that a header cannot say for sure is refused: it would miss what it means', async () => {
  await using plane = await shop();
  for (const name of ['surrogate-key', 'cache-tag']) {
    const answer = await plane.ask('/', { method: 'PURGE', headers: { [name]: 'product:8 brand:café' } });
    assert.equal(answer.status, 400);
    assert.match(errorOf(answer).message, new RegExp(`^${name} is .*: expected tags in ASCII`));
    assert.equal(errorOf(answer).param, name);
  }
  assert.deepEqual(plane.shelf.orders, []);
});

test('an invalidation that cannot be made durable is an error, and a line in the log', async () => {
  await using plane = await shop();
  plane.shelf.broken = true;
  const answer = await post(plane, { tags: 'product:7' });
  assert.equal(answer.status, 500);
  assert.match(errorOf(answer).message, /could not be made durable.*: no space left on device/);
  const [said] = plane.events;
  assert.ok(said?.kind === 'background-failed' && said.label === 'control plane');
  assert.match(said.message, /no space left on device/);
});

test('a method that a path does not take is 405 with those it does, and a path that is none is 404', async () => {
  await using plane = await shop();
  for (const [method, path, allow] of [
    ['GET', '/cache/invalidate', 'POST'],
    ['DELETE', '/cache/clear', 'POST'],
    ['POST', '/cache/values/products/1', 'GET, HEAD, PUT, DELETE'],
    ['POST', '/monitoring/cache/entries', 'GET, HEAD'],
    ['OPTIONS', '/monitoring/invalidations', 'GET, HEAD'],
  ] as const) {
    const answer = await plane.ask(path, { method });
    assert.equal(answer.status, 405, path);
    assert.equal(answer.headers.get('allow'), allow);
    assert.equal(errorOf(answer).code, 'method_not_allowed');
  }
  for (const path of ['/cache', '/cache/invalidates', '/cache/invalidate/', '/monitoring', '/x', '/']) {
    assert.equal((await plane.ask(path, { method: 'POST' })).status, 404, path);
  }
});

test('every call is in the log of invalidations, the latest first', async () => {
  await using plane = await shop();
  await post(plane, { tags: Array.from({ length: 30 }, (_, at) => `product:${at}`), dry_run: true });
  plane.clock.advance(1_000);
  await plane.ask('/', { method: 'PURGE', headers: { 'surrogate-key': 'product:7' } });
  const { invalidations } = (await plane.ask('/monitoring/invalidations')).json();
  const [latest, first] = invalidations as Record<string, unknown>[];
  assert.deepEqual(latest, {
    id: 'inv_2',
    at: '2026-01-01T00:00:01.000Z',
    by: 'api',
    mode: 'purge',
    dry_run: false,
    condition: { tags: ['product:7'] },
    omitted: 0,
    matched: 3,
    invalidated: 3,
    ms: 0,
  });
  assert.equal(first?.dry_run, true);
  assert.equal(first?.omitted, 10);
  const one = (await plane.ask('/monitoring/invalidations?limit=1')).json().invalidations as unknown[];
  assert.deepEqual(one, [latest]);
  for (const limit of ['0', '-1', '1001', 'x', '1.5', '']) {
    assert.equal((await plane.ask(`/monitoring/invalidations?limit=${limit}`)).status, 400, limit);
  }
});
