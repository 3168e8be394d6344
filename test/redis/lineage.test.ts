import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '../support/deadline.ts';
import { startFleet, threads } from '../support/fleet.ts';
import { chat, send } from '../support/http.ts';
import { noRedis } from '../support/redis.ts';

const CHAT = '/v1/chat/completions';
const SEARCH = '/v1/vector_stores/vs_1/search';

for (const workers of [1, 2])
  describe(`a trace whose calls come to several instances of ${threads(workers)}`, { skip: noRedis }, () => {
    const traced = (trace: string, more = {}) => ({ headers: { 'x-cache-trace': trace, ...more } });

    test('has its prose purged with what it was written from, wherever that was found', async () => {
      await using fleet = await startFleet({ workers });
      await until(() => fleet.isComplete(), 'three instances that know each other');
      const [one, two, three] = fleet.instances;
      const search = { ...traced('t1', { 'x-cache-tags': 'product:7' }), body: { query: 'kettle' } };
      await send(one.url + SEARCH, search);
      const prose = { ...traced('t1'), body: chat('Which kettle?') };
      assert.equal((await send(two.url + CHAT, prose)).headers.get('x-cache'), 'MISS');
      await fleet.settled();
      // The tag came from the trace: who asks without one is served the same.
      const asked = { body: chat('Which kettle?') };
      assert.equal((await send(three.url + CHAT, asked)).headers.get('x-cache-level'), 'l3');
      await fleet.control(three, '/cache/invalidate', { tags: ['product:7'] });
      for (const { url } of [two, three]) {
        const { status } = await send(url + CHAT, {
          ...asked,
          headers: { 'cache-control': 'only-if-cached' },
        });
        assert.equal(status, 504);
      }
    });

    test('stores no prose from what was invalidated between its search and its question', async () => {
      await using fleet = await startFleet({ workers });
      await until(() => fleet.isComplete(), 'three instances that know each other');
      const [one, two, three] = fleet.instances;
      await send(one.url + SEARCH, {
        ...traced('t2', { 'x-cache-tags': 'product:8' }),
        body: { query: 'tea' },
      });
      await fleet.control(three, '/cache/invalidate', { tags: ['product:8'] });
      const prose = { ...traced('t2'), body: chat('Which tea?') };
      await send(two.url + CHAT, prose);
      assert.equal((await send(two.url + CHAT, { body: chat('Which tea?') })).headers.get('x-cache'), 'MISS');
      // After another search all is well.
      await send(three.url + SEARCH, {
        ...traced('t3', { 'x-cache-tags': 'product:8' }),
        body: { query: 'tea' },
      });
      await send(two.url + CHAT, { ...traced('t3'), body: chat('And now?') });
      assert.equal((await send(two.url + CHAT, { body: chat('And now?') })).headers.get('x-cache'), 'HIT');
    });

    test('stores nothing while nobody knows what the others were told', async () => {
      await using fleet = await startFleet({ workers, settings: { timeout: '50ms' } });
      const [one] = fleet.instances;
      await fleet.redis.kill();
      await until(async () => !(await fleet.isComplete()), 'the outage');
      const prose = { ...traced('t4'), body: chat('Alone?') };
      for (let turn = 0; turn < 2 * workers; turn += 1) {
        assert.equal((await send(one.url + CHAT, prose)).headers.get('x-cache'), 'MISS');
      }
      assert.equal((await send(one.url + CHAT, { body: chat('Untraced') })).headers.get('x-cache'), 'MISS');
      assert.equal((await send(one.url + CHAT, { body: chat('Untraced') })).headers.get('x-cache'), 'HIT');
    });
  });
