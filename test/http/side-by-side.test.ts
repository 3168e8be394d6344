import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { chat, send } from '../support/http.ts';
import { startReprise } from '../support/reprise.ts';
import { startUpstream } from '../support/upstream.ts';

/** OpenAI for chat, a vLLM that embeds, and Cohere that reranks, behind one proxy. */
async function threeServers() {
  const [openai, vllm, cohere] = [await startUpstream(), await startUpstream(), await startUpstream()];
  const reprise = await startReprise({
    upstream: openai.url,
    upstreamSettings: { dialect: 'openai' },
    profile: {
      upstreams: {
        vllm: { base_url: vllm.url, dialect: 'vllm', serves: ['embeddings', 'chat'], models: ['Qwen/*'] },
        cohere: { base_url: cohere.url, serves: ['rerank'] },
      },
    },
  });
  return {
    openai,
    vllm,
    cohere,
    ask: (path: string, body?: object) => send(reprise.url + path, body === undefined ? {} : { body }),
    async [Symbol.asyncDispose]() {
      for (const server of [reprise, openai, vllm, cohere]) await server[Symbol.asyncDispose]();
    },
  };
}

const RANKING = { model: 'rerank-v3.5', query: 'q', documents: ['a', 'b', 'c'] };

describe('several upstreams behind one proxy', () => {
  it('get each what they serve, of the models they have, and the default the rest', async () => {
    await using servers = await threeServers();
    const asked = [
      ['openai', '/v1/chat/completions', chat('x')],
      ['vllm', '/v1/chat/completions', chat('x', { model: 'Qwen/Qwen3-8B' })],
      ['vllm', '/v1/embeddings', { model: 'Qwen/Qwen3-Embedding', input: ['a', 'b'] }],
      ['openai', '/v1/embeddings', { model: 'text-embedding-3-small', input: ['a', 'b'] }],
      ['openai', '/v1/moderations', { input: ['a', 'b'] }],
      ['openai', '/v1/responses', { model: 'Qwen/Qwen3-8B', input: 'x', store: false }],
      ['cohere', '/v1/rerank', { ...RANKING, top_n: 1 }],
      ['cohere', '/v2/rerank', { ...RANKING, top_n: 2 }],
      ['cohere', '/rerank', RANKING],
      ['openai', '/v1/models', undefined],
    ] as const;
    for (const [server, path, body] of asked) {
      const before = servers[server].calls.length;
      assert.equal((await servers.ask(path, body)).headers.get('x-cache'), 'MISS', path);
      assert.equal(servers[server].calls.length, before + 1, `${path} goes to ${server}`);
    }
    for (const [, path, body] of asked) {
      assert.equal((await servers.ask(path, body)).headers.get('x-cache'), 'HIT', path);
    }
    const calls = [servers.openai, servers.vllm, servers.cohere].map((server) => server.calls.length);
    assert.deepEqual(calls, [5, 2, 3]);
  });

  it('are reached by name whatever they serve, and keep their entries apart', async () => {
    await using servers = await threeServers();
    for (const name of ['vllm', 'cohere', 'default']) {
      for (const [path, body] of [
        ['/v1/rerank', RANKING],
        ['/v2/rerank', RANKING],
        ['/v1/moderations', { input: ['a'] }],
        ['/v1/models', undefined],
      ] as const) {
        for (const outcome of ['MISS', 'HIT']) {
          const answer = await servers.ask(`/${name}${path}`, body);
          assert.equal(answer.headers.get('x-cache'), outcome, `/${name}${path}`);
        }
      }
    }
    for (const server of [servers.openai, servers.vllm, servers.cohere]) assert.equal(server.calls.length, 4);
  });

  it('share what they have under their name with what is chosen by itself', async () => {
    await using servers = await threeServers();
    await servers.ask('/cohere/v2/rerank', { ...RANKING, top_n: 2 });
    assert.equal((await servers.ask('/v2/rerank', RANKING)).headers.get('x-cache'), 'HIT');
  });
});
