import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ManualClock } from '../support/clock.ts';
import { until } from '../support/deadline.ts';
import { oneRoute, type Stage, setStage } from '../support/stage.ts';
import type { Handler } from '../support/upstream.ts';

const MODIFIED = 'Tue, 24 Nov 2026 10:00:00 GMT';

/** Answers every call whole, whatever it asks on condition of. */
function product(etag: string, body = '{"price":1}'): Handler {
  return (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', etag, 'last-modified': MODIFIED });
    response.end(body);
  };
}

async function shop(etag = '"v1"', clock?: ManualClock): Promise<Stage> {
  const stage = await setStage({ ...oneRoute(), ...(clock && { clock }) });
  stage.upstream.answer(product(etag));
  return stage;
}

/** Asks for the product as a browser does that has a copy; without the tests' credential. */
function ask(stage: Stage, headers: Record<string, string> = {}, method = 'GET') {
  return stage.ask('/catalog/7', { method, headers: { authorization: undefined, ...headers } });
}

describe('a caller with a copy of its own', () => {
  for (const [what, headers] of [
    ['its entity tag', { 'if-none-match': '"v1"' }],
    ['its tag among others, weakly', { 'if-none-match': '"x,y", W/"v1"' }],
    ['any tag', { 'if-none-match': '*' }],
    ['its date', { 'if-modified-since': MODIFIED }],
    ['a later date', { 'if-modified-since': 'Tue, 24 Nov 2026 10:00:01 GMT' }],
    ['its tag, which counts more than a date', { 'if-none-match': '"v1"', 'if-modified-since': 'nonsense' }],
  ] as const) {
    it(`is told 304 from the entry for ${what}`, async () => {
      await using stage = await shop();
      await ask(stage);
      const answer = await ask(stage, headers);
      assert.equal(answer.status, 304);
      assert.equal(answer.body.length, 0);
      assert.equal(answer.headers.get('x-cache'), 'HIT');
      assert.equal(answer.headers.get('etag'), '"v1"');
      assert.equal(answer.headers.get('last-modified'), MODIFIED);
      assert.equal(answer.headers.get('cache-control'), 'private, no-cache');
      assert.ok(!answer.headers.has('content-length') && !answer.headers.has('content-type'));
      assert.equal(stage.upstream.calls.length, 1);
    });
  }

  for (const [what, headers] of [
    ['another tag', { 'if-none-match': '"v2"' }],
    ['an earlier date', { 'if-modified-since': 'Tue, 24 Nov 2026 09:59:59 GMT' }],
    ['a date that is none', { 'if-modified-since': 'yesterday' }],
    ['another tag, whatever its date', { 'if-none-match': '"v2"', 'if-modified-since': MODIFIED }],
  ] as const) {
    it(`gets the entry whole for ${what}`, async () => {
      await using stage = await shop();
      await ask(stage);
      const answer = await ask(stage, headers);
      assert.equal(answer.status, 200);
      assert.equal(answer.body.toString(), '{"price":1}');
      assert.equal(answer.headers.get('x-cache'), 'HIT');
      assert.equal(stage.upstream.calls.length, 1);
    });
  }

  it('bypasses the cache while there is no entry, and its condition goes upstream', async () => {
    await using stage = await shop();
    for (const headers of [{ 'if-none-match': '"v1"' }, { 'if-modified-since': MODIFIED }]) {
      const answer = await ask(stage, headers);
      const [name = ''] = Object.keys(headers);
      assert.equal(answer.headers.get('x-cache'), 'BYPASS');
      assert.equal(answer.headers.get('x-cache-reason'), `header:${name}`);
      assert.equal(stage.upstream.calls.at(-1)?.headers[name], Object.values(headers)[0]);
    }
  });

  it('has an expired entry fetched whole, for everybody, and is answered from that', async () => {
    const clock = new ManualClock();
    await using stage = await shop('"v1"', clock);
    await ask(stage);
    clock.advance(3_600_000 + 60_000);
    const same = await ask(stage, { 'if-none-match': '"v1"' });
    assert.equal(same.status, 304);
    assert.equal(same.headers.get('x-cache'), 'MISS');
    assert.equal(stage.upstream.calls[1]?.headers['if-none-match'], undefined);
    assert.equal((await ask(stage)).headers.get('x-cache'), 'HIT');
  });

  it('sets off the refresh of a stale entry, without its own condition', async () => {
    const clock = new ManualClock();
    await using stage = await shop('"v1"', clock);
    await ask(stage);
    clock.advance(3_600_000 + 1);
    stage.upstream.answer(product('"v2"', '{"price":2}'));
    const stale = await ask(stage, { 'if-none-match': '"v1"' });
    assert.equal(stale.status, 304);
    assert.equal(stale.headers.get('x-cache'), 'STALE');
    await until(() => stage.upstream.calls.length === 2, 'the refresh');
    assert.equal(stage.upstream.calls[1]?.headers['if-none-match'], undefined);
  });

  it('is answered from an old entry when the upstream fails', async () => {
    const clock = new ManualClock();
    await using stage = await shop('"v1"', clock);
    await ask(stage);
    clock.advance(3_600_000 + 60_000);
    stage.upstream.answer((_request, response) => void response.writeHead(500).end());
    const answer = await ask(stage, { 'if-none-match': '"v1"' });
    assert.equal(answer.status, 304);
    assert.equal(answer.headers.get('x-cache'), 'STALE');
  });
});

describe('HEAD on a route', () => {
  it('is answered from the entry that a GET made, with its headers and length and no body', async () => {
    await using stage = await shop();
    await ask(stage);
    const answer = await ask(stage, {}, 'HEAD');
    assert.equal(answer.status, 200);
    assert.equal(answer.body.length, 0);
    assert.equal(answer.headers.get('content-length'), '11');
    assert.equal(answer.headers.get('x-cache'), 'HIT');
    assert.equal(answer.headers.get('etag'), '"v1"');
    assert.equal(stage.upstream.calls.length, 1);
  });

  it('fetches what a GET brings, which a GET then finds', async () => {
    await using stage = await shop();
    const head = await ask(stage, {}, 'HEAD');
    assert.equal(head.headers.get('x-cache'), 'MISS');
    assert.equal(head.body.length, 0);
    assert.equal(stage.upstream.calls[0]?.method, 'GET');
    const get = await ask(stage);
    assert.equal(get.headers.get('x-cache'), 'HIT');
    assert.equal(get.body.toString(), '{"price":1}');
  });

  it('is told 304 like a GET', async () => {
    await using stage = await shop();
    await ask(stage);
    assert.equal((await ask(stage, { 'if-none-match': '"v1"' }, 'HEAD')).status, 304);
  });

  it('goes upstream as it is where the cache is not asked', async () => {
    await using stage = await shop();
    const answer = await ask(stage, { range: 'bytes=0-1' }, 'HEAD');
    assert.equal(answer.headers.get('x-cache'), 'BYPASS');
    assert.equal(stage.upstream.calls[0]?.method, 'HEAD');
  });
});
