import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ManualClock } from '../support/clock.ts';
import { until, within } from '../support/deadline.ts';
import { chat, type Sent } from '../support/http.ts';
import { sendJson } from '../support/openai-server.ts';
import { oneRoute, setStage } from '../support/stage.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

const TYPES: readonly (readonly [type: string, ttl: number, path: string, sent: Sent])[] = [
  ['embeddings', 24 * HOUR, '/v1/embeddings', { body: { model: 'e', input: 'x' } }],
  ['llm_responses', 30 * MINUTE, '/v1/chat/completions', { body: chat('x') }],
  ['search_results', 10 * MINUTE, '/v1/vector_stores/vs_1/search', { body: { query: 'x' } }],
  ['models', 10 * MINUTE, '/v1/models', {}],
];

const CHAT = '/v1/chat/completions';
const SEARCH = '/v1/vector_stores/vs_1/search';

describe('ttl behavior', () => {
  for (const [type, ttl, path, sent] of TYPES) {
    it(`${type} are served for ${ttl / MINUTE} minutes, and not a moment longer`, async () => {
      const clock = new ManualClock();
      await using stage = await setStage({
        clock,
        profile: { types: { search_results: { stale_while_revalidate: '0s' } } },
      });
      await stage.ask(path, sent);
      clock.advance(ttl - 1);
      const last = await stage.ask(path, sent);
      assert.equal(last.headers.get('x-cache'), 'HIT');
      assert.equal(last.headers.get('age'), String(Math.floor((ttl - 1) / SECOND)));
      clock.advance(1);
      const expired = await stage.ask(path, sent);
      assert.equal(expired.headers.get('x-cache'), 'MISS');
      assert.equal(expired.headers.get('x-cache-reason'), 'expired');
      assert.equal(stage.upstream.calls.length, 2);
    });
  }

  it('products of a route are served for an hour', async () => {
    const clock = new ManualClock();
    await using stage = await setStage({
      clock,
      ...oneRoute({}, { types: { products: { stale_while_revalidate: '0s' } } }),
    });
    stage.upstream.answer((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"price":1}');
    });
    const ask = () => stage.ask('/catalog/7', { headers: { authorization: undefined } });
    await ask();
    clock.advance(HOUR - 1);
    assert.equal((await ask()).headers.get('x-cache'), 'HIT');
    clock.advance(1);
    assert.equal((await ask()).headers.get('x-cache-reason'), 'expired');
  });

  it('x-cache-ttl sets the life of what a call stores, and max_ttl caps it', async () => {
    const clock = new ManualClock();
    await using stage = await setStage({ clock, profile: { types: { llm_responses: { max_ttl: '1h' } } } });
    const ask = (ttl: string) => stage.ask(CHAT, { body: chat(ttl), headers: { 'x-cache-ttl': ttl } });
    for (const [asked, lives] of [
      ['90s', 90 * SECOND],
      ['7d', HOUR],
    ] as const) {
      await ask(asked);
      clock.advance(lives - 1);
      assert.equal((await ask(asked)).headers.get('x-cache'), 'HIT');
      clock.advance(1);
      assert.equal((await ask(asked)).headers.get('x-cache-reason'), 'expired');
    }
  });

  it('a refresh starts a new life', async () => {
    const clock = new ManualClock();
    await using stage = await setStage({ clock });
    await stage.ask(CHAT, { body: chat('x') });
    clock.advance(29 * MINUTE);
    await stage.ask(CHAT, { body: chat('x'), headers: { 'cache-control': 'no-cache' } });
    clock.advance(29 * MINUTE);
    assert.equal((await stage.ask(CHAT, { body: chat('x') })).headers.get('x-cache'), 'HIT');
  });

  it('stale-while-revalidate serves the old answer and refreshes it behind, once', async () => {
    const clock = new ManualClock();
    await using stage = await setStage({ clock });
    await stage.ask(SEARCH, { body: { query: 'q' } });
    clock.advance(10 * MINUTE + 30 * SECOND);
    const gate = stage.upstream.hold();
    for (let time = 0; time < 5; time += 1) {
      const stale = await stage.ask(SEARCH, { body: { query: 'q' } });
      assert.equal(stale.headers.get('x-cache'), 'STALE');
      assert.equal(stale.headers.get('age'), '630');
      assert.equal(stale.headers.get('cache-status'), 'reprise; hit; ttl=-30; detail=l1');
    }
    await within(gate.arrived(1), 'the refresh');
    gate.release();
    await within(
      until(
        async () => (await stage.ask(SEARCH, { body: { query: 'q' } })).headers.get('x-cache') === 'HIT',
        'refreshed',
      ),
      'refreshed',
    );
    assert.equal(stage.upstream.calls.length, 2);
  });

  it('past its windows an entry is gone', async () => {
    const clock = new ManualClock();
    await using stage = await setStage({ clock });
    await stage.ask(SEARCH, { body: { query: 'q' } });
    clock.advance(20 * MINUTE);
    stage.upstream.answer((_request, response) => sendJson(response, 500, { error: { message: 'down' } }));
    assert.equal((await stage.ask(SEARCH, { body: { query: 'q' } })).status, 500);
  });

  for (const [trouble, fail] of [
    ['a 500', 500],
    ['a 503', 503],
    ['a 429', 429],
    ['a broken connection', 0],
  ] as const) {
    it(`stale-if-error answers for ${trouble}, and does not ask again for 5 s`, async () => {
      const clock = new ManualClock();
      await using stage = await setStage({ clock });
      await stage.ask(CHAT, { body: chat('x') });
      clock.advance(31 * MINUTE);
      stage.upstream.answer((_request, response) => {
        if (fail === 0) response.destroy();
        else sendJson(response, fail, { error: { message: 'no' } });
      });
      for (let time = 0; time < 10; time += 1) {
        const stale = await stage.ask(CHAT, { body: chat('x') });
        assert.equal(stale.status, 200);
        assert.equal(stale.headers.get('x-cache'), 'STALE');
      }
      assert.equal(stage.upstream.calls.length, 2);
      clock.advance(5 * SECOND);
      assert.equal((await stage.ask(CHAT, { body: chat('x') })).headers.get('x-cache'), 'STALE');
      assert.equal(stage.upstream.calls.length, 3);
      stage.upstream.answer(undefined);
      clock.advance(5 * SECOND);
      assert.equal((await stage.ask(CHAT, { body: chat('x') })).headers.get('x-cache'), 'MISS');
    });
  }

  it('an upstream error without an entry is passed on as it came', async () => {
    await using stage = await setStage();
    const error = {
      error: { message: 'Rate limit', type: 'rate_limit_error', param: null, code: 'rate_limit_exceeded' },
    };
    stage.upstream.answer((_request, response) => sendJson(response, 429, error, { 'retry-after': '7' }));
    const answer = await stage.ask(CHAT, { body: chat('x') });
    assert.equal(answer.status, 429);
    assert.equal(answer.headers.get('retry-after'), '7');
    assert.deepEqual(answer.json(), error);
    assert.equal(answer.headers.get('x-cache'), 'MISS');
    assert.equal(answer.headers.get('cache-status'), 'reprise; fwd=miss; fwd-status=429');
  });

  it("a caller's own directives: max-age, min-fresh, max-stale, stale-if-error, only-if-cached", async () => {
    const clock = new ManualClock();
    await using stage = await setStage({ clock });
    const ask = (directive?: string) =>
      stage.ask(CHAT, {
        body: chat('x'),
        ...(directive !== undefined && { headers: { 'cache-control': directive } }),
      });
    assert.equal((await ask('only-if-cached')).status, 504);
    await ask();
    clock.advance(20 * MINUTE);
    assert.equal((await ask('max-age=1200')).headers.get('x-cache'), 'HIT');
    assert.equal((await ask('min-fresh=599')).headers.get('x-cache'), 'HIT');
    assert.equal((await ask('only-if-cached')).headers.get('x-cache'), 'HIT');
    clock.advance(11 * MINUTE);
    assert.equal((await ask('max-stale=61')).headers.get('x-cache'), 'STALE');
    assert.equal((await ask('max-stale')).headers.get('x-cache'), 'STALE');
    assert.equal((await ask('max-stale=60, only-if-cached')).headers.get('x-cache'), 'STALE');
    assert.equal((await ask('only-if-cached')).status, 504);
    assert.equal(stage.upstream.calls.length, 1);
    stage.upstream.answer((_request, response) => sendJson(response, 500, {}));
    assert.equal((await ask('stale-if-error=59')).status, 500);
    clock.advance(6 * SECOND);
    assert.equal((await ask('stale-if-error=600')).headers.get('x-cache'), 'STALE');
    stage.upstream.answer(undefined);
    clock.advance(6 * SECOND);
    await ask();
    clock.advance(20 * MINUTE);
    assert.equal((await ask('max-age=1199')).headers.get('x-cache'), 'MISS');
    clock.advance(20 * MINUTE);
    assert.equal((await ask('min-fresh=601')).headers.get('x-cache'), 'MISS');
  });

  it('a 404 of a route is kept for negative_ttl', async () => {
    const clock = new ManualClock();
    await using stage = await setStage({
      clock,
      ...oneRoute({}, { types: { products: { negative_ttl: '30s' } } }),
    });
    stage.upstream.answer((_request, response) => {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('none');
    });
    const ask = () => stage.ask('/catalog/7', { headers: { authorization: undefined } });
    await ask();
    clock.advance(29 * SECOND);
    const hit = await ask();
    assert.equal(hit.headers.get('x-cache'), 'HIT');
    assert.equal(hit.status, 404);
    assert.equal(hit.body.toString(), 'none');
    clock.advance(SECOND);
    assert.equal((await ask()).headers.get('x-cache'), 'MISS');
  });
});
