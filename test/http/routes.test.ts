import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ManualClock } from '../support/clock.ts';
import { until, within } from '../support/deadline.ts';
import { tempFolder } from '../support/folder.ts';
import { type Sent, send } from '../support/http.ts';
import { startReprise } from '../support/reprise.ts';
import { type Stage, setStage } from '../support/stage.ts';
import { type Handler, startUpstream } from '../support/upstream.ts';

/** A shop behind the proxy: a product page and a search. */
function shop(route: object = {}, more: object = {}) {
  return {
    profileFor: (origin: string) => ({
      upstreams: { shop: { base_url: `${origin}/api` } },
      routes: [
        {
          name: 'product',
          match: { method: 'GET', path: '/catalog/products/{id}' },
          type: 'products',
          upstream: 'shop',
          ...route,
        },
        {
          name: 'search',
          match: { method: ['GET', 'POST'], path: '/catalog/search' },
          type: 'search_results',
          upstream: 'shop',
          ...more,
        },
      ],
    }),
  };
}

const answerWith =
  (body: string, headers: Record<string, string> = {}, status = 200): Handler =>
  (_request, response) => {
    response
      .writeHead(status, { 'content-type': 'application/json', 'x-session': 'of-the-first', ...headers })
      .end(body);
  };

const PRODUCT = '/catalog/products/7';
const plain = (stage: Stage, path: string, sent: Sent = {}) =>
  stage.ask(path, { ...sent, headers: { authorization: undefined, ...sent.headers } });

describe('routes', () => {
  it('forward to {base_url}{path}, and answer repeats from the cache with the bytes and the type they came with', async () => {
    await using stage = await setStage(shop());
    stage.upstream.answer(answerWith('{"price": 1.50}', { etag: '"a"' }));
    const miss = await plain(stage, `${PRODUCT}?currency=EUR`);
    assert.equal(stage.upstream.calls[0]?.url, '/api/catalog/products/7?currency=EUR');
    assert.equal(miss.headers.get('x-cache'), 'MISS');
    const hit = await plain(stage, `${PRODUCT}?currency=EUR`);
    assert.equal(hit.headers.get('x-cache'), 'HIT');
    assert.match(hit.headers.get('x-cache-key') ?? '', /^products\/default\/product\//);
    assert.equal(hit.body.toString(), '{"price": 1.50}');
    assert.equal(hit.headers.get('content-type'), 'application/json');
    assert.equal(hit.headers.get('etag'), '"a"');
    assert.equal(hit.headers.get('x-session'), undefined);
    for (const { headers } of [miss, hit]) assert.equal(headers.get('cache-control'), 'private, no-cache');
    assert.equal((await plain(stage, PRODUCT)).headers.get('x-cache'), 'MISS');
  });

  it('rewrite changes the path at the upstream', async () => {
    await using stage = await setStage(shop({ rewrite: '/v2/items/{id}/full' }));
    stage.upstream.answer(answerWith('{}'));
    await plain(stage, '/catalog/products/a%20b?x=1');
    assert.equal(stage.upstream.calls[0]?.url, '/api/v2/items/a%20b/full?x=1');
  });

  it('what another path at the upstream has answered is not given for it when the profile has changed', async () => {
    await using upstream = await startUpstream();
    upstream.answer(({ url }, response) => void response.writeHead(200).end(url));
    const folder = tempFolder();
    for (const [rewrite, word] of [
      ['/v1/items/{id}', 'MISS'],
      ['/v1/items/{id}', 'HIT'],
      ['/v2/items/{id}', 'MISS'],
      [undefined, 'MISS'],
    ] as const) {
      const profile = shop({ rewrite }).profileFor(upstream.origin);
      await using reprise = await startReprise({ upstream: upstream.url, profile, folder });
      const answer = await send(reprise.url + PRODUCT, { headers: { authorization: undefined } });
      const path = rewrite === undefined ? PRODUCT : rewrite.replace('{id}', '7');
      assert.deepEqual([answer.body.toString(), answer.headers.get('x-cache')], [`/api${path}`, word]);
    }
  });

  it('the key takes the chosen query parameters and headers, and nothing else', async () => {
    await using stage = await setStage(shop({ key: { query: ['currency'], headers: ['accept-language'] } }));
    stage.upstream.answer(answerWith('{}'));
    const ask = (query: string, language: string) =>
      plain(stage, `${PRODUCT}?${query}`, { headers: { 'accept-language': language } });
    assert.equal((await ask('currency=EUR&utm=1', 'de')).headers.get('x-cache'), 'MISS');
    assert.equal((await ask('utm=2&currency=EUR', 'de')).headers.get('x-cache'), 'HIT');
    assert.equal((await ask('currency=USD', 'de')).headers.get('x-cache'), 'MISS');
    assert.equal((await ask('currency=EUR', 'en')).headers.get('x-cache'), 'MISS');
  });

  it('POST is keyed by its JSON, whatever its spelling; by chosen fields; or not at all', async () => {
    for (const [body, same, other] of [
      [true, '{ "page":1.0, "q":"lamp" }', '{"q":"lamp","page":2}'],
      [['q'], '{"q":"lamp","session":"x"}', '{"q":"tent","page":1}'],
    ] as const) {
      await using stage = await setStage(shop({}, { key: { body } }));
      stage.upstream.answer(answerWith('{}'));
      const ask = (json: string) => plain(stage, '/catalog/search', { method: 'POST', body: json });
      assert.equal((await ask('{"q":"lamp","page":1}')).headers.get('x-cache'), 'MISS');
      assert.equal((await ask(same)).headers.get('x-cache'), 'HIT');
      assert.equal((await ask(other)).headers.get('x-cache'), 'MISS');
    }
    await using stage = await setStage(shop({}, { key: { body: false } }));
    stage.upstream.answer(answerWith('{}'));
    await plain(stage, '/catalog/search', { method: 'POST', body: 'a=1' });
    assert.equal(
      (await plain(stage, '/catalog/search', { method: 'POST', body: 'b=2' })).headers.get('x-cache'),
      'HIT',
    );
  });

  for (const [name, value] of [
    ['cookie', 'session=1'],
    ['authorization', 'Bearer somebody'],
    ['range', 'bytes=0-9'],
    ['if-match', '"a"'],
    ['if-unmodified-since', 'Wed, 25 Nov 2026 00:00:00 GMT'],
  ] as const) {
    it(`a request with ${name} bypasses, unless the key names it`, async () => {
      await using stage = await setStage(shop({}, { key: { headers: [name] } }));
      stage.upstream.answer(answerWith('{}'));
      await plain(stage, PRODUCT);
      const personal = await plain(stage, PRODUCT, { headers: { [name]: value } });
      assert.equal(personal.headers.get('x-cache'), 'BYPASS');
      assert.equal(personal.headers.get('x-cache-reason'), `header:${name}`);
      assert.equal(personal.headers.get('cache-control'), 'private, no-cache');
      assert.equal(stage.upstream.calls[1]?.headers[name], value);
      await plain(stage, '/catalog/search', { headers: { [name]: value } });
      assert.equal(
        (await plain(stage, '/catalog/search', { headers: { [name]: value } })).headers.get('x-cache'),
        'HIT',
      );
      assert.equal(
        (await plain(stage, '/catalog/search', { headers: { [name]: `${value}0` } })).headers.get('x-cache'),
        'MISS',
      );
    });
  }

  for (const [why, headers, status] of [
    ['set-cookie', { 'set-cookie': 's=1' }, 200],
    ['cache-control: private', { 'cache-control': 'private' }, 200],
    ['cache-control: no-store', { 'cache-control': 'max-age=60, no-store' }, 200],
    ['vary outside the key', { vary: 'Accept-Encoding, X-Group' }, 200],
    ['vary: *', { vary: '*' }, 200],
    ['a 404', {}, 404],
    ['a 206', {}, 206],
    ['a redirect', { location: '/elsewhere' }, 302],
    ['a content coding nobody knows', { 'content-encoding': 'compress' }, 200],
  ] as const) {
    it(`an answer with ${why} is passed on and never stored`, async () => {
      await using stage = await setStage(shop());
      stage.upstream.answer(answerWith('{}', headers, status));
      for (let run = 1; run <= 2; run += 1) {
        const answer = await plain(stage, PRODUCT);
        assert.equal(answer.status, status);
        assert.equal(answer.headers.get('x-cache'), 'MISS');
        assert.equal(stage.upstream.calls.length, run);
      }
    });
  }

  it("one caller's set-cookie is never given to who asked the same meanwhile, and the next ones do not wait", async () => {
    await using stage = await setStage(shop());
    const gate = stage.upstream.hold();
    let visitor = 0;
    stage.upstream.answer((_request, response) => {
      visitor += 1;
      response.writeHead(200, { 'set-cookie': `visitor=${visitor}` }).end(String(visitor));
    });
    const calls = Array.from({ length: 5 }, () => plain(stage, PRODUCT));
    await within(
      until(() => stage.reprise.running() === 5, 'all five wait'),
      'all five wait',
    );
    gate.release();
    const answers = await within(Promise.all(calls), 'all five');
    assert.equal(new Set(answers.map(({ headers }) => headers.get('set-cookie'))).size, 5);
    assert.equal(stage.upstream.calls.length, 5);
    const closed = stage.upstream.hold();
    const next = Array.from({ length: 3 }, () => plain(stage, PRODUCT));
    await within(closed.arrived(3), 'all three are upstream at once');
    closed.release();
    await Promise.all(next);
  });

  it('respect_upstream follows the lifetime that the upstream says', async () => {
    const clock = new ManualClock();
    await using stage = await setStage({ clock, ...shop({ respect_upstream: true }) });
    stage.upstream.answer(
      answerWith('{}', { 'cache-control': 'public, s-maxage=30, max-age=600', age: '10' }),
    );
    await plain(stage, PRODUCT);
    clock.advance(19_999);
    assert.equal((await plain(stage, PRODUCT)).headers.get('x-cache'), 'HIT');
    clock.advance(1);
    assert.equal((await plain(stage, PRODUCT)).headers.get('x-cache'), 'MISS');
  });

  it('the age of an answer counts also where the upstream says no lifetime', async () => {
    const clock = new ManualClock();
    await using stage = await setStage({ clock, ...shop({ respect_upstream: true }) });
    const ttl = 3_600_000;
    stage.upstream.answer(answerWith('{}', { age: '10' }));
    await plain(stage, PRODUCT);
    clock.advance(ttl - 10_001);
    const hit = await plain(stage, PRODUCT);
    assert.deepEqual([hit.headers.get('x-cache'), hit.headers.get('age')], ['HIT', '3599']);
    clock.advance(1);
    assert.equal((await plain(stage, PRODUCT)).headers.get('x-cache'), 'STALE');
    stage.upstream.answer(answerWith('{}', { age: '3600' }));
    const old = '/catalog/products/old';
    assert.equal((await plain(stage, old)).headers.get('x-cache'), 'MISS');
    assert.equal((await plain(stage, old)).headers.get('x-cache'), 'MISS');
  });

  it('a method that the route does not take is 405 in our words', async () => {
    await using stage = await setStage(shop());
    const answer = await plain(stage, PRODUCT, { method: 'DELETE' });
    assert.equal(answer.status, 405);
    assert.equal((answer.json() as { error: { code: string } }).error.code, 'method_not_allowed');
    assert.equal(stage.upstream.calls.length, 0);
  });
});
