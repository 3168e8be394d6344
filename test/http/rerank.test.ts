import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CohereClient, CohereClientV2 } from 'cohere-ai';
import { until } from '../support/deadline.ts';
import { rankingAnswer } from '../support/rankings.ts';
import { setStage } from '../support/stage.ts';
import { answering } from '../support/upstream/faults.ts';

const ASKED = { model: 'rerank-v3.5', query: 'q', documents: ['a', 'b', 'c', 'd', 'e'] };

describe('a ranking', () => {
  it('is asked for once, whole, and answers every top_n from then on, at the path it was asked at', async () => {
    await using stage = await setStage();
    for (const [path, there] of [
      ['/v1/rerank', '/v1/rerank'],
      ['/v2/rerank', '/v2/rerank'],
      ['/rerank', '/rerank'],
      ['/default/v1/rerank', '/v1/rerank'],
      ['/default/v2/rerank', '/v2/rerank'],
      ['/default/rerank', '/rerank'],
    ] as const) {
      const headers = { 'x-cache-namespace': path.replaceAll('/', '-') };
      const first = await stage.ask(path, { headers, body: { ...ASKED, top_n: 2 } });
      assert.equal(first.headers.get('x-cache'), 'MISS', path);
      assert.equal(first.body.toString(), rankingAnswer({ ...ASKED, top_n: 2 }));
      assert.equal(stage.upstream.calls.at(-1)?.url, there);
      assert.deepEqual(stage.upstream.calls.at(-1)?.json(), ASKED);
      const second = await stage.ask(path, { headers, body: { ...ASKED, top_n: 4 } });
      assert.equal(second.headers.get('x-cache'), 'HIT', path);
      assert.match(second.headers.get('x-cache-key') ?? '', /^search_results\/[^/]+\/rerank-v3\.5\//);
      assert.equal(second.body.toString(), rankingAnswer({ ...ASKED, top_n: 4 }));
    }
    assert.equal(stage.upstream.calls.length, 6);
  });

  it('under way is joined by who wants less or more of it', async () => {
    await using stage = await setStage();
    const gate = stage.upstream.hold();
    const limits = [2, undefined, 3, 1];
    const asking = limits.map((limit) =>
      stage.ask('/v2/rerank', { body: { ...ASKED, ...(limit && { top_n: limit }) } }),
    );
    await until(() => stage.reprise.running() === limits.length, 'all to be asking');
    await until(() => stage.upstream.calls.length === 1, 'the call');
    gate.release();
    for (const [at, answer] of (await Promise.all(asking)).entries()) {
      const limit = limits[at];
      assert.equal(answer.body.toString(), rankingAnswer({ ...ASKED, ...(limit && { top_n: limit }) }));
    }
    assert.equal(stage.upstream.calls.length, 1);
  });

  it('that cannot be cut is passed on as it came and not kept', async () => {
    await using stage = await setStage();
    const unsorted = '{"results":[{"index":0,"relevance_score":0.1},{"index":1,"relevance_score":0.9}]}';
    stage.upstream.answer(answering(200, unsorted, { 'content-type': 'application/json' }));
    for (const call of [1, 2]) {
      const answer = await stage.ask('/rerank', { body: { query: 'q', documents: ['a', 'b'], top_n: 1 } });
      assert.equal(answer.body.toString(), unsorted);
      assert.equal(answer.headers.get('x-cache'), 'MISS');
      assert.equal(answer.headers.get('x-cache-reason'), 'ranking-unsorted');
      assert.equal(stage.upstream.calls.length, call);
    }
  });

  it('for an impossible top_n is the upstream’s own error', async () => {
    await using stage = await setStage();
    const error = '{"message":"top_n must be greater than 0"}';
    stage.upstream.answer((request, response) => {
      response.writeHead(Number(request.json().top_n) > 0 ? 200 : 400).end(error);
    });
    const answer = await stage.ask('/v2/rerank', { body: { ...ASKED, top_n: -1 } });
    assert.equal(answer.status, 400);
    assert.equal(answer.body.toString(), error);
    assert.equal(stage.upstream.calls[0]?.json().top_n, -1);
  });

  it('has these paths and no others: what stands beside them is passed on by method, or is not there', async () => {
    await using stage = await setStage();
    await stage.ask('/v2/rerank', { method: 'GET' });
    assert.equal(stage.upstream.calls[0]?.method, 'GET');
    for (const path of [
      '/v2/chat',
      '/rerank/',
      '/v2/rerank/x',
      '/v2',
      '/nobody/rerank',
      '/rerank/v1/models',
    ]) {
      assert.equal((await stage.ask(path, { body: ASKED })).status, 404, path);
    }
    assert.equal(stage.upstream.calls.length, 1);
  });
});

it('Cohere’s own client gets the same the second time, and for nothing', async () => {
  await using stage = await setStage();
  const options = { token: 'co-test', baseUrl: stage.reprise.url };
  const [one, two] = [new CohereClient(options), new CohereClientV2(options)];
  const { model, query, documents } = ASKED;
  const runs = [];
  for (let run = 0; run < 2; run += 1) {
    runs.push([
      await one.rerank({ model, query, documents }),
      await two.rerank({ model, query, documents, topN: 3 }),
    ]);
  }
  assert.deepEqual(runs[1], runs[0]);
  assert.deepEqual(
    runs[0]?.map(({ results }) => results.length),
    [5, 3],
  );
  assert.deepEqual(
    stage.upstream.calls.map(({ path }) => path),
    ['/v1/rerank', '/v2/rerank'],
  );
});
