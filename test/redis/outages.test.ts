import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until, within } from '../support/deadline.ts';
import { isDegraded, startFleet, threads } from '../support/fleet.ts';
import { chat, send } from '../support/http.ts';
import { noRedis, startRedis } from '../support/redis.ts';
import { startReprise } from '../support/reprise.ts';
import { startUpstream } from '../support/upstream.ts';

const CHAT = '/v1/chat/completions';

for (const workers of [1, 2])
  describe(`an outage of Redis, for instances of ${threads(workers)},`, { skip: noRedis }, () => {
    test('does not keep a purge that is made meanwhile from reaching the others, also after a restart', async () => {
      await using redis = await startRedis();
      await using fleet = await startFleet({ workers, redis, settings: { timeout: '50ms' } });
      await until(() => fleet.isComplete(), 'three instances that know each other');
      const sent = { body: chat('price'), headers: { 'x-cache-tags': 'product:7' } };
      for (const { url } of fleet.instances) await send(url + CHAT, sent);
      await redis.kill();
      await until(() => isDegraded(fleet), 'everybody degraded');
      const [one, two, three] = fleet.instances;
      const purge = await fleet.control(one, '/cache/invalidate', { tags: ['product:7'] });
      assert.equal((purge.json() as { instances: { shared: boolean } }).instances.shared, false);
      await one.stop();
      for (const { url } of [two, three]) {
        assert.equal((await send(url + CHAT, sent)).headers.get('x-cache'), 'HIT');
      }
      // It starts without Redis, and asks its disk for nothing, since it does not know what the others were told.
      await using again = await startReprise({
        upstream: fleet.upstream.url,
        workers,
        folder: one.folder,
        profile: { redis: { url: redis.url, timeout: '50ms' } },
      });
      const untouched = { body: chat('untouched') };
      assert.equal((await send(again.url + CHAT, untouched)).headers.get('x-cache'), 'MISS');
      const own = (await send(again.url + CHAT, untouched)).headers.get('x-cache-level');
      if (workers === 1) assert.equal(own, 'l1');
      await redis.restart();
      const ifCached = { ...sent, headers: { 'cache-control': 'only-if-cached' } };
      for (const { url } of [two, three]) {
        await until(async () => (await send(url + CHAT, ifCached)).status === 504, 'the purge', 15_000);
      }
    });

    test('after which it is as it was a while ago brings back nothing that was purged since, also not for who is new', async () => {
      await using redis = await startRedis();
      await using fleet = await startFleet({ workers, redis });
      await until(() => fleet.isComplete(), 'three instances that know each other');
      const sent = (tag: string) => ({ body: chat(tag), headers: { 'x-cache-tags': tag } });
      for (const tag of ['product:1', 'product:2']) await send(fleet.instances[0].url + CHAT, sent(tag));
      await fleet.settled();
      await redis.ask('SAVE');
      await fleet.control(fleet.instances[1], '/cache/invalidate', { tags: ['product:1'] });
      await redis.kill();
      await redis.restart();
      assert.equal(((await redis.ask('KEYS', 'reprise:2:entry:*')) as unknown[]).length, 2);
      await until(() => fleet.isComplete(), 'three instances that know each other', 15_000);
      await using another = await startReprise({
        upstream: fleet.upstream.url,
        workers,
        profile: { redis: { url: redis.url, timeout: '500ms' } },
      });
      const ifCached = (tag: string) => ({ ...sent(tag), headers: { 'cache-control': 'only-if-cached' } });
      for (const { url } of [...fleet.instances, another]) {
        assert.equal((await send(url + CHAT, ifCached('product:1'))).status, 504);
        assert.equal((await send(url + CHAT, ifCached('product:2'))).headers.get('x-cache'), 'HIT');
      }
    });

    test('leaves the threads of an instance that has no disk what they share', async () => {
      await using redis = await startRedis();
      const profile = { disk: { max_bytes: 0 } };
      await using fleet = await startFleet({ workers, redis, settings: { timeout: '50ms' }, profile });
      await until(() => fleet.isComplete(), 'three instances that know each other');
      await redis.kill();
      await until(() => isDegraded(fleet), 'everybody degraded');
      const told: (string | undefined)[] = [];
      for (let time = 0; time < 12; time += 1)
        told.push((await send(fleet.instances[0].url + CHAT, { body: chat('x') })).headers.get('x-cache'));
      assert.deepEqual(told, ['MISS', ...new Array(11).fill('HIT')]);
    });

    test('in which it takes its time lets no purge wait for more than a second, and loses none', async () => {
      await using redis = await startRedis();
      await using fleet = await startFleet({ workers, redis, settings: { timeout: '10s' } });
      await until(() => fleet.isComplete(), 'three instances that know each other');
      const [one, two] = fleet.instances;
      const sent = { body: chat('price'), headers: { 'x-cache-tags': 'product:7' } };
      await send(two.url + CHAT, sent);
      await redis.ask('CLIENT', 'PAUSE', '20000', 'WRITE');
      const purge = fleet.control(one, '/cache/invalidate', { tags: ['product:7'] });
      const { instances } = (await within(purge, 'its answer', 4_000)).json() as {
        instances: { shared: boolean; missing: readonly string[] };
      };
      assert.deepEqual([instances.shared, instances.missing.length], [false, 2]);
      await redis.ask('CLIENT', 'UNPAUSE');
      const ifCached = { ...sent, headers: { 'cache-control': 'only-if-cached' } };
      await until(async () => (await send(two.url + CHAT, ifCached)).status === 504, 'the purge');
    });

    test('keeps one from starting that requires Redis, and makes one that has started not ready', async () => {
      await using redis = await startRedis();
      await using upstream = await startUpstream();
      const options = {
        upstream: upstream.url,
        workers,
        profile: { redis: { url: redis.url, timeout: '50ms', required: true } },
      };
      await using reprise = await startReprise(options);
      const ready = () => send(`${reprise.url}/health/ready`);
      assert.equal((await ready()).status, 200);
      await redis.kill();
      await until(async () => (await ready()).status === 503, 'not ready');
      assert.equal((await ready()).json().status, 'failed');
      assert.equal((await send(reprise.url + CHAT, { body: chat('all the same') })).status, 200);
      await assert.rejects(startReprise(options), /redis\.required/);
      await redis.restart();
      await until(async () => (await ready()).status === 200, 'ready again', 15_000);
    });
  });
