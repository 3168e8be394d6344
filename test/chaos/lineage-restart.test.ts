import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { tempFolder } from '../support/folder.ts';
import { chat, send } from '../support/http.ts';
import { startServer } from '../support/server/process.ts';
import { answerAsShop, cacheOf, shopProfile, traced } from '../support/shop.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';

/** A server on a folder of its own, one process after the other, and what is asked of it. */
async function served(upstream: Upstream, workers: number) {
  answerAsShop(upstream, new Map([[7, 70]]));
  const folder = tempFolder();
  const profile = {
    ...shopProfile(upstream.origin),
    server: { workers },
    upstreams: { default: { base_url: upstream.url }, shop: { base_url: `${upstream.origin}/api` } },
  };
  const start = () => startServer(profile, folder);
  let server = await start();
  return {
    search: () =>
      send(`${server.url}/catalog/search?ids=7`, { headers: { authorization: undefined, ...traced(TRACE) } }),
    prose: (trace?: string) =>
      send(`${server.url}/v1/chat/completions`, { body: chat('Which lamp?'), headers: traced(trace) }),
    invalidate: (tags: string) => send(`${server.url}/cache/invalidate`, { body: { tags } }),
    async restart(): Promise<void> {
      assert.equal(await server.stop(), 0);
      server = await start();
    },
    async crash(): Promise<void> {
      await server.kill();
      server = await start();
    },
    async [Symbol.asyncDispose]() {
      assert.equal(await server.stop(), 0);
    },
  };
}

for (const workers of [1, 2]) {
  describe(`a question whose search came before a restart and whose answer comes after it, with ${workers} threads`, () => {
    it('inherits what the search was told, if that was a clean stop', async () => {
      await using upstream = await startUpstream();
      await using server = await served(upstream, workers);
      await server.search();
      await server.restart();
      assert.equal(cacheOf(await server.prose(TRACE)), 'MISS');
      assert.equal(cacheOf(await server.prose(TRACE)), 'HIT');
      assert.equal((await server.invalidate('product:7')).json().matched, 2);
      assert.equal(cacheOf(await server.prose(TRACE)), 'MISS');
    });

    it('is answered and not stored, if that was a crash; what has no trace is', async () => {
      await using upstream = await startUpstream();
      await using server = await served(upstream, workers);
      await server.search();
      await server.crash();
      for (let time = 0; time < 2; time += 1) {
        const { headers } = await server.prose(TRACE);
        assert.deepEqual([headers.get('x-cache'), headers.get('x-cache-reason')], ['MISS', 'too-many-tags']);
      }
      assert.equal(cacheOf(await server.prose()), 'MISS');
      assert.equal(cacheOf(await server.prose()), 'HIT');
    });
  });
}
