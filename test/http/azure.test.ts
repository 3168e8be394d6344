import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AzureOpenAI } from 'openai';
import { upstreamAnswer } from '../support/embeddings.ts';
import { chat } from '../support/http.ts';
import { type Stage, setStage } from '../support/stage.ts';

const DEPLOYMENT = '/openai/deployments/my%20gpt/chat/completions';
const VERSION = '?api-version=2026-10-01';

/** An Azure resource, with its base URL as it is given for OpenAI's paths. */
const azure = (): Promise<Stage> => setStage({ upstreamSettings: { dialect: 'azure' } });

describe('a deployment of Azure’s', () => {
  it('is asked at its own path, once, and is the model whatever the body says', async () => {
    await using stage = await azure();
    const first = await stage.ask(DEPLOYMENT + VERSION, { body: chat('x') });
    assert.equal(stage.upstream.calls[0]?.url, DEPLOYMENT + VERSION);
    assert.equal(stage.upstream.calls[0]?.body.toString(), JSON.stringify(chat('x')));
    assert.equal(first.headers.get('x-cache'), 'MISS');
    assert.match(first.headers.get('x-cache-key') ?? '', /^llm_responses\/default\/my%20gpt\//);
    for (const more of [{}, { model: 'another' }, { model: undefined }, { stream: true }]) {
      const again = await stage.ask(DEPLOYMENT + VERSION, { body: chat('x', more) });
      assert.equal(again.headers.get('x-cache'), 'HIT', JSON.stringify(more));
    }
  });

  it('is told from other deployments, versions, keys and paths', async () => {
    await using stage = await azure();
    const headers = { authorization: undefined, 'api-key': 'a' };
    const asked = [
      [DEPLOYMENT + VERSION, headers],
      [`${DEPLOYMENT}?api-version=2025-01-01`, headers],
      [DEPLOYMENT.replace('my%20gpt', 'other') + VERSION, headers],
      [DEPLOYMENT + VERSION, { ...headers, 'api-key': 'b' }],
      ['/openai/v1/chat/completions', headers],
      ['/v1/chat/completions', headers],
    ] as const;
    for (const outcome of ['MISS', 'HIT']) {
      for (const [path, sent] of asked) {
        const answer = await stage.ask(path, { body: chat('x'), headers: sent });
        assert.equal(answer.headers.get('x-cache'), outcome, path);
      }
    }
    assert.equal(stage.upstream.calls.length, asked.length);
  });

  it('takes its embeddings apart, whatever model each body names', async () => {
    await using stage = await azure();
    const path = `/openai/deployments/embedder/embeddings${VERSION}`;
    stage.upstream.answer((request, response) => {
      const body = Buffer.from(JSON.stringify({ ...request.json(), model: 'text-embedding-3-small' }));
      response.writeHead(200).end(upstreamAnswer(body, { encoding: 'as-asked' }));
    });
    await stage.ask(path, { body: { input: ['a', 'b'], model: 'm' } });
    const mixed = await stage.ask(path, { body: { input: ['b', 'c', 'a'], model: 'n' } });
    assert.equal(mixed.headers.get('x-cache'), 'PARTIAL');
    assert.equal(mixed.headers.get('x-cache-parts'), '2/3');
    assert.deepEqual(stage.upstream.calls[1]?.json().input, ['c']);
  });

  it('chooses the upstream by its name, as a model does', async () => {
    await using stage = await setStage();
    await using other = await setStage({
      profile: { upstreams: { west: { base_url: `${stage.upstream.origin}/openai`, models: ['my*'] } } },
    });
    await other.ask(DEPLOYMENT + VERSION, { body: chat('x', { model: 'gpt' }) });
    assert.equal(stage.upstream.calls[0]?.url, DEPLOYMENT + VERSION);
    await other.ask(DEPLOYMENT.replace('my%20gpt', 'gpt'), { body: chat('x', { model: 'my model' }) });
    assert.equal(other.upstream.calls.length, 1);
    await other.ask(`/west${DEPLOYMENT.replace('my%20gpt', 'gpt')}`, { body: chat('y') });
    assert.equal(stage.upstream.calls[1]?.path, DEPLOYMENT.replace('my%20gpt', 'gpt'));
  });

  it('passes through untouched in all that is not cached', async () => {
    await using stage = await azure();
    for (const path of [
      `/openai/deployments/d/audio/speech${VERSION}`,
      `/openai/deployments/d/responses${VERSION}`,
      `/openai/deployments${VERSION}`,
      `/openai/responses${VERSION}`,
    ]) {
      const answer = await stage.ask(path, { body: chat('x') });
      assert.equal(answer.headers.get('x-cache'), undefined, path);
      assert.equal(stage.upstream.calls.at(-1)?.url, path);
    }
  });

  it('serves Azure’s own client, the second time for nothing', async () => {
    await using stage = await azure();
    const client = new AzureOpenAI({
      endpoint: stage.reprise.url,
      apiKey: 'azure-key',
      apiVersion: '2026-10-01',
      deployment: 'my-gpt',
    });
    const ask = () =>
      client.chat.completions.create({ model: 'any', messages: [{ role: 'user', content: 'hi' }] });
    assert.deepEqual(await ask(), await ask());
    const [call] = stage.upstream.calls;
    assert.equal(call?.url, '/openai/deployments/my-gpt/chat/completions?api-version=2026-10-01');
    assert.equal(stage.upstream.calls.length, 1);
  });
});

describe('Azure’s newer paths', () => {
  const requests = [
    ['chat/completions', chat('x')],
    ['completions', { model: 'm', prompt: 'x' }],
    ['responses', { model: 'm', input: 'x', store: false }],
    ['embeddings', { model: 'm', input: ['x'] }],
    ['moderations', { input: ['x'] }],
    ['vector_stores/vs_1/search', { query: 'x' }],
    ['models', undefined],
    ['models/m', undefined],
  ] as const;
  for (const [path, body] of requests) {
    it(`cache ${path} as /v1/${path} is, under their own key`, async () => {
      await using stage = await azure();
      const sent = body === undefined ? {} : { body };
      for (const [root, outcome] of [
        ['/openai/v1/', 'MISS'],
        ['/openai/v1/', 'HIT'],
        ['/v1/', 'MISS'],
        ['/default/openai/v1/', 'HIT'],
      ] as const) {
        const answer = await stage.ask(root + path, sent);
        assert.equal(answer.headers.get('x-cache'), outcome, root);
      }
      assert.deepEqual(
        stage.upstream.calls.map((call) => call.path),
        [`/openai/v1/${path}`, `/v1/${path}`],
      );
    });
  }
});
