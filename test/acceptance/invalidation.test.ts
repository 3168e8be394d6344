import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { ManualClock } from '../support/clock.ts';
import { schemeOf, signed } from '../support/deliveries.ts';
import { tempFolder } from '../support/folder.ts';
import { type Answer, chat, send } from '../support/http.ts';
import { startReprise } from '../support/reprise.ts';
import { answerAsShop, cacheOf, type ShopStage, setShop, shopProfile, traced } from '../support/shop.ts';
import { startUpstream } from '../support/upstream.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const CHAT = '/v1/chat/completions';
const SECOND = 1_000;

describe('invalidation', () => {
  it('a product’s update removes the product, the searches that listed it and the answers written from them, and nothing else', async () => {
    await using shop = await setShop();
    await shop.product(7, TRACE);
    await shop.search([7, 8], TRACE);
    await shop.prose('Which lamp is best?', TRACE);
    await shop.prose('And streamed?', TRACE, { body: chat('And streamed?', { stream: true }) });
    const concerned = await shop.keys('&tag=product:7');
    assert.equal(concerned.length, 4);
    for (const trace of ['another', undefined]) {
      await shop.product(8, trace);
      await shop.search([8, 9], trace);
      await shop.prose(`Which other lamp, ${trace}?`, trace);
    }
    await shop.ask('/v1/embeddings', { body: { model: 'e', input: ['lamp', 'torch'] } });
    const before = await shop.keys();
    assert.equal(await shop.invalidate({ tags: 'product:7' }), 4);
    assert.deepEqual(
      await shop.keys(),
      before.filter((key) => !concerned.includes(key)),
    );
    for (const ask of [
      () => shop.product(7),
      () => shop.search([7, 8]),
      () => shop.prose('Which lamp is best?'),
      () => shop.prose('And streamed?'),
    ]) {
      const answer = await ask();
      assert.deepEqual([cacheOf(answer), answer.headers.get('x-cache-reason')], ['MISS', 'invalidated']);
    }
    for (const ask of [
      () => shop.product(8),
      () => shop.search([8, 9]),
      () => shop.prose('Which other lamp, another?'),
      () => shop.prose('Which other lamp, undefined?'),
      () => shop.ask('/v1/embeddings', { body: { model: 'e', input: ['lamp', 'torch'] } }),
    ]) {
      assert.equal(cacheOf(await ask()), 'HIT');
    }
  });

  it('the next question gets the new price', async () => {
    await using shop = await setShop();
    const price = async () => (await shop.product(7)).json().price;
    assert.equal(await price(), 70);
    shop.prices.set(7, 65);
    assert.equal(await price(), 70);
    await shop.invalidate({ tags: 'product:7' });
    assert.equal(await price(), 65);
  });

  it('an answer written from what was fetched before an update cannot be kept after it', async () => {
    await using shop = await setShop();
    await shop.search([7], TRACE);
    assert.equal(await shop.invalidate({ tags: 'product:7' }), 1);
    const written = await shop.prose('Which lamp is best?', TRACE);
    assert.deepEqual([written.status, written.headers.get('x-cache-reason')], [200, 'invalidated']);
    assert.equal(cacheOf(await shop.prose('Which lamp is best?')), 'MISS');
  });

  it('nor one that is being written when the update comes', async () => {
    await using shop = await setShop();
    await shop.search([7], TRACE);
    const held = shop.upstream.hold();
    const writing = shop.prose('Which lamp is best?', TRACE);
    await held.arrived(1);
    await shop.invalidate({ tags: 'product:7' });
    held.release();
    assert.equal((await writing).headers.get('x-cache-reason'), 'invalidated');
    assert.deepEqual(await shop.keys(), []);
  });

  it('what a search’s hit gave out counts like what was fetched, with the birth of the entry it came from', async () => {
    await using shop = await setShop();
    await shop.search([7, 8]);
    assert.equal(cacheOf(await shop.search([7, 8], TRACE)), 'HIT');
    await shop.prose('Which lamp is best?', TRACE);
    assert.equal((await shop.keys('&tag=product:7')).length, 2);
    assert.equal(await shop.invalidate({ tags: 'product:8' }), 2);
  });

  it('an answer hit or joined in another trace inherits of both', async () => {
    // Who comes to another thread waits, and is then said to have hit.
    await using shop = await setShop({}, { workers: 1 });
    await shop.search([7], 'first');
    await shop.search([8], 'second');
    await shop.search([9], 'third');
    const held = shop.upstream.hold();
    const first = shop.prose('Which lamp is best?', 'first');
    await held.arrived(1);
    const second = shop.prose('Which lamp is best?', 'second');
    await shop.running(2);
    held.release();
    assert.deepEqual([cacheOf(await first), cacheOf(await second)], ['MISS', 'COALESCED']);
    assert.equal(cacheOf(await shop.prose('Which lamp is best?', 'third')), 'HIT');
    for (const id of [7, 8, 9])
      assert.equal((await shop.keys(`&tag=product:${id}&type=llm_responses`)).length, 1);
  });

  it('vectors and rankings give on what they speak of, too', async () => {
    await using shop = await setShop({
      types: { embeddings: { tags: [{ text: 'SKU-(\\d+)', tag: 'product:{1}' }] } },
    });
    await shop.ask('/v1/embeddings', { body: { model: 'e', input: ['SKU-7 lamp'] }, headers: traced(TRACE) });
    await shop.ask('/v1/rerank', {
      body: { model: 'r', query: 'lamp', documents: ['a', 'b'] },
      headers: { 'x-cache-tags': 'product:8', ...traced(TRACE) },
    });
    await shop.prose('Which lamp is best?', TRACE);
    for (const id of [7, 8]) {
      assert.equal((await shop.keys(`&tag=product:${id}&type=llm_responses`)).length, 1);
    }
  });

  it('traces of two credentials with one id are two traces', async () => {
    await using shop = await setShop();
    const keyed = (key: string) => ({ headers: { authorization: `Bearer ${key}` } });
    const search = (key: string) =>
      shop.ask('/v1/vector_stores/vs/search', {
        body: { query: 'x' },
        headers: { 'x-cache-trace': 'one', ...keyed(key).headers },
      });
    await search('sk-a');
    await shop.prose('a?', 'one', { body: chat('a?'), ...keyed('sk-a') });
    await shop.prose('b?', 'one', { body: chat('b?'), ...keyed('sk-b') });
    assert.equal((await shop.keys('&tag=vector_store:vs&type=llm_responses')).length, 1);
  });

  for (const [what, hits, headers, sent] of [
    [
      'of more products than an answer may have tags',
      Array.from({ length: 257 }, (_, id) => ({ id })),
      {},
      {},
    ],
    ['with a product without an id', [{ id: 7 }, { id: null }], {}, {}],
    ['that is one caller’s own', [{ id: 7 }], { 'set-cookie': 'session=1' }, {}],
    ['asked for with a cookie', [{ id: 7 }], {}, { cookie: 'session=1' }],
    ['asked for past the cache', [{ id: 7 }], {}, { 'cache-control': 'no-store' }],
    ['compared with a copy', [{ id: 7 }], {}, { 'if-none-match': '"one"' }],
  ] as const) {
    it(`an answer written from a search ${what}, of which nobody knows all that it speaks of, is not kept`, async () => {
      await using shop = await setShop();
      shop.upstream.answer(
        (_request, response) =>
          void response
            .writeHead(200, { 'content-type': 'application/json', ...headers })
            .end(JSON.stringify({ hits })),
        '/catalog/search',
      );
      const found = await shop.ask('/catalog/search?ids=7', {
        headers: { authorization: undefined, ...sent, ...traced(TRACE) },
      });
      assert.equal(found.status, 200);
      const written = await shop.prose('Which lamp is best?', TRACE);
      assert.deepEqual([cacheOf(written), written.headers.get('x-cache-reason')], ['MISS', 'too-many-tags']);
      assert.equal(cacheOf(await shop.prose('Which lamp is best?')), 'MISS');
      // Another trace was told nothing of it.
      await shop.prose('Which torch is best?', 'another');
      assert.equal(cacheOf(await shop.prose('Which torch is best?')), 'HIT');
    });
  }

  it('an answer written from a product that was asked for past the cache is tied to it all the same', async () => {
    await using shop = await setShop();
    await shop.ask('/catalog/products/7', {
      headers: { authorization: undefined, 'cache-control': 'no-store', ...traced(TRACE) },
    });
    await shop.prose('What does it cost?', TRACE);
    assert.equal(cacheOf(await shop.prose('What does it cost?')), 'HIT');
    assert.equal(await shop.invalidate({ tags: 'product:7' }), 1);
  });

  it('what fails says nothing, so that an answer of its trace is kept', async () => {
    await using shop = await setShop();
    shop.upstream.answer((_request, response) => void response.writeHead(500).end(), '/catalog/search');
    assert.equal((await shop.search([7], TRACE)).status, 500);
    await shop.prose('Which lamp is best?', TRACE);
    assert.equal(cacheOf(await shop.prose('Which lamp is best?')), 'HIT');
  });

  it('a trace lasts ten minutes', async () => {
    const clock = new ManualClock();
    await using shop = await setShop({}, { clock });
    await shop.search([7], TRACE);
    clock.advance(599 * SECOND);
    await shop.prose('still', TRACE);
    clock.advance(60 * SECOND);
    await shop.prose('no more', TRACE);
    assert.equal((await shop.keys('&tag=product:7&type=llm_responses')).length, 1);
  });
});

describe('tags come from', () => {
  it('x-cache-tags, also of one who only hits the entry', async () => {
    await using shop = await setShop();
    await shop.prose('q', undefined, { body: chat('q'), headers: { 'x-cache-tags': 'product:7, campaign' } });
    const hit = await shop.prose('q', undefined, { body: chat('q'), headers: { 'x-cache-tags': 'spring' } });
    assert.equal(cacheOf(hit), 'HIT');
    assert.equal(shop.upstream.calls.at(-1)?.headers['x-cache-tags'], undefined);
    const [entry] = (await shop.control('/monitoring/cache/entries')).json().entries as { tags: string[] }[];
    assert.deepEqual(entry?.tags.sort(), ['campaign', 'model:gpt-5-mini', 'product:7', 'spring']);
    assert.equal(await shop.invalidate({ tags: 'spring' }), 1);
    assert.equal(cacheOf(await shop.prose('q')), 'MISS');
  });

  it('metadata.cache_tags, which goes no further', async () => {
    await using shop = await setShop();
    const body = chat('q', { metadata: { cache_tags: 'product:7, campaign', topic: 'x' } });
    await shop.prose('q', undefined, { body });
    assert.deepEqual(shop.upstream.calls.at(-1)?.json().metadata, { topic: 'x' });
    assert.equal(await shop.invalidate({ tags: 'campaign' }), 1);
  });

  it('metadata.cache_tags, which goes no further where the call passes by the cache, in whatever coding it came', async () => {
    await using shop = await setShop();
    const plain = chat('q', { metadata: { cache_tags: 'product:7' } });
    const tool = { tools: [{ type: 'web_search' }] };
    for (const [body, headers, expected] of [
      [plain, { 'cache-control': 'no-store' }, chat('q')],
      [{ ...plain, ...tool }, {}, chat('q', tool)],
      [
        gzipSync(JSON.stringify(plain)),
        { 'cache-control': 'no-store', 'content-encoding': 'gzip', 'content-type': 'application/json' },
        chat('q'),
      ],
    ] as const) {
      const answer = await shop.prose('', undefined, { body, headers });
      assert.deepEqual([answer.status, cacheOf(answer)], [200, 'BYPASS']);
      const call = shop.upstream.calls.at(-1);
      assert.deepEqual([call?.json(), call?.headers['content-encoding']], [expected, undefined]);
    }
  });

  it('cache-tag, surrogate-key and cache-groups of the upstream’s answer', async () => {
    await using shop = await setShop();
    const headers = { 'cache-tag': 'a, b', 'surrogate-key': 'c d', 'cache-groups': '"e f", "g"' };
    shop.upstream.answer(
      (_request, response) => void response.writeHead(200, headers).end('{}'),
      '/catalog/products/7',
    );
    for (const tag of ['a', 'b', 'c', 'd', 'e f', 'g']) {
      const first = await shop.product(7);
      assert.equal(cacheOf(first), 'MISS', tag);
      for (const name of Object.keys(headers)) assert.equal(cacheOf(await shop.product(7)), 'HIT', name);
      assert.equal(await shop.invalidate({ tags: tag }), 1, tag);
    }
  });

  it('rules of the profile over path, query, headers, request and answer, and over text', async () => {
    await using shop = await setShop({
      types: {
        llm_responses: {
          tags: [
            { text: 'SKU-(\\d+)', tag: 'product:{1}' },
            { request: '$.metadata.topic', tag: 'topic:{value}' },
            { json: '$.choices[*].finish_reason', tag: 'end:{value}' },
            { request_header: 'x-shop', tag: 'shop:{value}' },
          ],
        },
        embeddings: { tags: [{ text: 'SKU-(\\d+)', tag: 'product:{1}' }] },
        search_results: { tags: [{ query: 'ids', tag: 'asked:{value}' }] },
      },
    });
    await shop.search([3]);
    await shop.prose('', undefined, {
      body: chat('Is SKU-7 or SKU-8 the better one?', { metadata: { topic: 'lamps' } }),
      headers: { 'x-shop': 'eu' },
    });
    const tags = async (type: string) => {
      const { entries } = (await shop.control(`/monitoring/cache/entries?type=${type}`)).json();
      return (entries as { tags: string[] }[]).map((entry) => entry.tags.sort());
    };
    assert.deepEqual(await tags('search_results'), [['asked:3', 'product:3']]);
    assert.deepEqual(await tags('llm_responses'), [
      ['end:stop', 'model:gpt-5-mini', 'product:7', 'product:8', 'shop:eu', 'topic:lamps'],
    ]);
    // Of a batch each item has the tags of its own text.
    const embed = () =>
      shop.ask('/v1/embeddings', { body: { model: 'e', input: ['SKU-7 lamp', 'SKU-8 torch'] } });
    await embed();
    assert.equal(await shop.invalidate({ tags: 'product:7', type: 'embeddings' }), 1);
    const again = await embed();
    assert.deepEqual([cacheOf(again), again.headers.get('x-cache-parts')], ['PARTIAL', '1/2']);
    assert.deepEqual(shop.upstream.calls.at(-1)?.json().input, ['SKU-7 lamp']);
  });

  it('the model that answers', async () => {
    await using shop = await setShop();
    await shop.prose('q');
    await shop.ask(CHAT, { body: { ...chat('q'), model: 'another' } });
    assert.equal(await shop.invalidate({ tags: 'model:another' }), 1);
    assert.equal(cacheOf(await shop.prose('q')), 'HIT');
  });

  it('and are never cut off: what would have more than 256 is answered and not stored', async () => {
    await using shop = await setShop();
    const ids = (count: number) => Array.from({ length: count }, (_, at) => 1_000 + at);
    await shop.search(ids(256));
    assert.equal(cacheOf(await shop.search(ids(256))), 'HIT');
    for (let time = 0; time < 2; time += 1) {
      const many = await shop.search(ids(257));
      assert.deepEqual([many.status, many.headers.get('x-cache-reason')], [200, 'too-many-tags']);
    }
    // 256 inherited ones and that of the model are more, too.
    await shop.search(ids(256), TRACE);
    const prose = await shop.prose('Which of all?', TRACE);
    assert.equal(prose.headers.get('x-cache-reason'), 'too-many-tags');
    assert.equal(cacheOf(await shop.prose('Which of all?')), 'MISS');
    // So would one that has 256 of its own be with what a hit adds: it is given up.
    const own = ids(255).join();
    await shop.prose('q', undefined, { body: chat('q'), headers: { 'x-cache-tags': own } });
    const hit = await shop.prose('q', undefined, {
      body: chat('q'),
      headers: { 'x-cache-tags': 'one more' },
    });
    assert.equal(cacheOf(hit), 'HIT');
    assert.equal(cacheOf(await shop.prose('q')), 'MISS');
    const asked = await shop.prose('r', undefined, {
      body: chat('r'),
      headers: { 'x-cache-tags': ids(257).join() },
    });
    assert.deepEqual([cacheOf(asked), asked.headers.get('x-cache-reason')], ['MISS', 'too-many-tags']);
  });

  it('texts that are tags: others are a clear 400, in a header and in metadata, and go nowhere', async () => {
    await using shop = await setShop();
    const said = [
      { headers: { 'x-cache-tags': 'x'.repeat(1_025) } },
      { headers: { 'x-cache-tags': 'Ärger' } },
      { body: chat('q', { metadata: { cache_tags: 'a\nb' } }) },
      { body: chat('q', { metadata: { cache_tags: ['a'] } }) },
      { body: chat('q', { metadata: { cache_tags: 'x'.repeat(1_025) } }) },
    ];
    for (const sent of said) {
      const answer = await shop.prose('q', undefined, { body: chat('q'), ...sent });
      assert.equal(answer.status, 400);
      const { error } = answer.json() as { error: { code: string; param: string } };
      assert.equal(error.code, 'invalid_request');
      assert.equal(error.param, 'body' in sent ? 'metadata.cache_tags' : 'x-cache-tags');
    }
    assert.equal(shop.upstream.calls.length, 0);
  });
});

describe('POST /cache/invalidate', () => {
  /** Entries of several types, namespaces and models. */
  async function stocked(): Promise<ShopStage> {
    const shop = await setShop();
    await shop.product(7);
    await shop.product(8);
    await shop.search([7, 8]);
    await shop.prose('q', undefined, { body: chat('q'), headers: { 'x-cache-tags': 'product:7' } });
    await shop.prose('q', undefined, { body: chat('q'), headers: { 'x-cache-namespace': 'eu' } });
    await shop.ask(CHAT, { body: { ...chat('q'), model: 'gpt-6/sol' } });
    await shop.control('/cache/values/products/7', { row: 7 }, 'PUT');
    return shop;
  }

  for (const [condition, meant] of [
    [
      { tags: 'product:7' },
      ['llm_responses/default/gpt-5-mini', 'products/default/product', 'search_results/default/search'],
    ],
    [{ tags: ['product:7'], type: 'products' }, ['products/default/product']],
    [
      { tags: ['product:7', 'product:8'], type: ['products', 'search_results'] },
      ['products/default/product', 'products/default/product', 'search_results/default/search'],
    ],
    [{ type: 'search_results' }, ['search_results/default/search']],
    [{ namespace: 'eu' }, ['llm_responses/eu/gpt-5-mini']],
    [
      { namespace: ['eu', 'default'], type: 'llm_responses' },
      [
        'llm_responses/default/gpt-5-mini',
        'llm_responses/default/gpt-6%2Fsol',
        'llm_responses/eu/gpt-5-mini',
      ],
    ],
    [{ model: 'gpt-6/sol' }, ['llm_responses/default/gpt-6%2Fsol']],
    [
      { model: ['gpt-6/sol', 'product'] },
      ['llm_responses/default/gpt-6%2Fsol', 'products/default/product', 'products/default/product'],
    ],
    [{ model: 'values' }, ['products/default/values']],
    [
      { pattern: 'llm_responses/*/gpt-5-*/**' },
      ['llm_responses/default/gpt-5-mini', 'llm_responses/eu/gpt-5-mini'],
    ],
    [
      { pattern: ['{products,search_results}/default/{product,search}/*'], tags: 'product:8' },
      ['products/default/product', 'search_results/default/search'],
    ],
    [
      { pattern: '**', model: 'gpt-5-mini', namespace: 'eu', type: 'llm_responses' },
      ['llm_responses/eu/gpt-5-mini'],
    ],
    [{ tags: 'product:7', namespace: 'eu' }, []],
    [{ tags: 'product:70' }, []],
  ] as const) {
    it(`${JSON.stringify(condition)} means ${meant.length} of 7`, async () => {
      await using shop = await stocked();
      const before = await shop.keys();
      assert.equal(before.length, 7);
      const dry = (await shop.control('/cache/invalidate', { ...condition, dry_run: true })).json();
      assert.deepEqual([dry.matched, dry.invalidated, dry.dry_run], [meant.length, 0, true]);
      assert.deepEqual(await shop.keys(), before);
      const done = (await shop.control('/cache/invalidate', condition)).json();
      assert.deepEqual([done.matched, done.invalidated, done.dry_run], [meant.length, meant.length, false]);
      const sample = [...(done.sample as string[])].sort();
      assert.deepEqual(
        sample.map((key) => key.split('/').slice(0, 3).join('/')),
        meant,
      );
      assert.deepEqual(
        await shop.keys(),
        before.filter((key) => !sample.includes(key)),
      );
    });
  }

  it('a key drops that entry, also with other conditions beside it, all of which count', async () => {
    await using shop = await stocked();
    const [, , , first = '', second = ''] = await shop.keys();
    assert.match(first, /^products/);
    assert.equal(await shop.invalidate({ keys: [first, second], type: 'llm_responses' }), 0);
    assert.equal(await shop.invalidate({ keys: [first, second], tags: ['product:7'] }), 1);
    assert.equal(await shop.invalidate({ keys: first.replace(/.$/, '') }), 0);
    assert.equal((await shop.keys()).length, 6);
  });

  it('expire leaves an entry for when the upstream fails, and never for stale-while-revalidate', async () => {
    const clock = new ManualClock();
    await using shop = await setShop({}, { clock });
    await shop.product(7);
    await shop.product(8);
    assert.equal(await shop.invalidate({ tags: ['product:7', 'product:8'], mode: 'expire' }), 2);
    const again = await shop.control('/cache/invalidate', {
      tags: ['product:7', 'product:8'],
      mode: 'expire',
    });
    assert.deepEqual([again.json().matched, again.json().invalidated], [2, 0]);
    shop.prices.set(7, 65);
    const anew = await shop.product(7);
    assert.deepEqual([cacheOf(anew), anew.headers.get('x-cache-reason')], ['MISS', 'invalidated']);
    assert.equal(anew.json().price, 65);
    shop.upstream.answer((_request, response) => void response.writeHead(503).end(), '/catalog/products/8');
    const old = await shop.product(8);
    assert.deepEqual([old.status, cacheOf(old), old.json().price], [200, 'STALE', 80]);
    assert.equal(await shop.invalidate({ tags: 'product:8' }), 1);
    assert.equal((await shop.product(8)).status, 503);
  });

  it('says invalidated for a minute and longer, also of what was swept', async () => {
    const clock = new ManualClock();
    await using shop = await setShop({}, { clock });
    await shop.product(8);
    await shop.invalidate({ tags: 'product:8' });
    shop.upstream.answer((_request, response) => void response.writeHead(500).end(), '/catalog/products/8');
    for (let second = 0; second <= 60; second += 20) {
      assert.equal((await shop.product(8)).headers.get('x-cache-reason'), 'invalidated', `${second} s`);
      clock.advance(20 * SECOND);
    }
  });
});

describe('around it', () => {
  it('PURGE / with surrogate-key or cache-tag does the same', async () => {
    await using shop = await setShop();
    const purge = async (headers: Record<string, string>) =>
      (await shop.ask('/', { method: 'PURGE', headers })).json().matched;
    for (const id of [7, 8, 9]) await shop.product(id);
    assert.equal(await purge({ 'surrogate-key': 'product:7  product:8' }), 2);
    assert.equal(await purge({ 'cache-tag': 'product:8, product:9' }), 1);
    assert.equal(cacheOf(await shop.product(9)), 'MISS');
    assert.equal(await purge({ 'surrogate-key': 'product:9', 'fastly-soft-purge': '1' }), 1);
    shop.upstream.answer((_request, response) => void response.writeHead(503).end(), '/catalog/products/9');
    assert.equal(cacheOf(await shop.product(9)), 'STALE');
  });

  it('POST /cache/clear drops everything, or a type or namespace, and tells bytes; a level loses its copies only', async () => {
    // What L1 holds is each thread's own.
    await using shop = await setShop({}, { workers: 1 });
    const clear = async (what: object) => (await shop.control('/cache/clear', what)).json();
    const stock = async () => {
      await shop.product(7);
      await shop.search([7]);
      await shop.prose('q', undefined, { body: chat('q'), headers: { 'x-cache-namespace': 'eu' } });
    };
    await stock();
    const size = (await shop.product(7)).body.length;
    assert.deepEqual(await clear({ type: 'products' }), { cleared: 1, freed_bytes: size });
    assert.equal((await clear({ namespace: 'eu' })).cleared, 1);
    assert.equal((await shop.keys()).length, 1);
    await stock();
    assert.equal((await clear({ level: 'l1' })).cleared, 3);
    assert.equal((await shop.product(7)).headers.get('x-cache-level'), 'l2');
    assert.equal((await clear({ level: 'l2' })).cleared, 3);
    assert.equal((await shop.product(7)).headers.get('x-cache-level'), 'l1');
    assert.equal(cacheOf(await shop.search([7])), 'MISS');
    assert.equal((await clear({})).cleared, 2);
    assert.deepEqual(await shop.keys(), []);
    assert.equal(cacheOf(await shop.product(7)), 'MISS');
  });

  it('values of the application’s own are dropped like all else, by a signed webhook too', async () => {
    await using shop = await setShop({
      webhooks: {
        shopify: {
          scheme: 'shopify',
          secret: 'shpss',
          rules: [{ event: 'products/*', tags: [{ json: '$.id', tag: 'product:{value}' }] }],
        },
      },
    });
    const value = (method: string, sent: object = {}) =>
      shop.ask('/cache/values/products/7', { method, ...sent });
    const put = () =>
      value('PUT', { body: { price: 12 }, headers: { 'x-cache-tags': 'product:7', 'x-cache-ttl': '10m' } });
    assert.equal((await put()).json().stored, true);
    const got = await value('GET');
    assert.deepEqual(
      [got.status, cacheOf(got), got.headers.get('age'), got.json()],
      [200, 'HIT', '0', { price: 12 }],
    );
    const draft = { event: 'products/update', id: 'd-1', payload: '{"id":7}' };
    const delivered = await shop.ask(
      '/webhooks/shopify',
      signed(schemeOf('shopify', { secret: ['shpss'] }), draft),
    );
    assert.deepEqual(delivered.json(), {
      id: 'd-1',
      accepted: true,
      duplicate: false,
      tags: ['product:7'],
      invalidated: 1,
    });
    assert.equal((await value('GET')).status, 404);
    await put();
    assert.equal((await value('DELETE')).status, 200);
    assert.equal((await value('GET')).status, 404);
    const { invalidations } = (await shop.control('/monitoring/invalidations')).json();
    const told = invalidations as { by: string; condition: object; invalidated: number }[];
    assert.deepEqual(
      told.map(({ by, condition, invalidated }) => [by, condition, invalidated]),
      [['webhook:shopify', { tags: ['product:7'] }, 1]],
    );
  });

  it('entries are told with their tags and times, and are no more once they are invalidated', async () => {
    await using shop = await setShop();
    const key = (await shop.search([7, 8])).headers.get('x-cache-key');
    const one = () => shop.control(`/monitoring/cache/entries/${key}`);
    const { born, fresh_until, tags, type, model } = (await one()).json();
    assert.deepEqual([tags, type, model], [['product:7', 'product:8'], 'search_results', 'search']);
    assert.equal(Date.parse(String(fresh_until)) - Date.parse(String(born)), 600 * SECOND);
    await shop.invalidate({ tags: 'product:8' });
    assert.equal((await one()).status, 404);
    assert.deepEqual(await shop.keys(), []);
  });

  it('a restart keeps what was invalidated, and what was not', async () => {
    await using upstream = await startUpstream();
    answerAsShop(
      upstream,
      new Map([
        [7, 70],
        [8, 80],
      ]),
    );
    const folder = tempFolder();
    const start = () =>
      startReprise({ upstream: upstream.url, folder, profile: shopProfile(upstream.origin) });
    const ask = async ({ url }: { url: string }, path: string): Promise<Answer> =>
      send(url + path, { headers: { authorization: undefined } });
    const first = await start();
    for (const path of ['/catalog/products/7', '/catalog/products/8', '/catalog/search?ids=7'])
      await ask(first, path);
    await send(`${first.url}/cache/invalidate`, { body: { tags: 'product:7' } });
    await first.stop();
    await using second = await start();
    const { entries } = (await ask(second, '/monitoring/cache/entries')).json();
    assert.equal((entries as unknown[]).length, 1);
    for (const [path, cache] of [
      ['/catalog/products/7', 'MISS'],
      ['/catalog/search?ids=7', 'MISS'],
      ['/catalog/products/8', 'HIT'],
    ] as const) {
      assert.equal(cacheOf(await ask(second, path)), cache, path);
    }
    const { invalidations } = (await ask(second, '/monitoring/invalidations')).json();
    assert.equal((invalidations as unknown[]).length, 1);
  });
});
