import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { until, within } from '../support/deadline.ts';
import { type Fleet, startFleet, threads } from '../support/fleet.ts';
import { chat, send } from '../support/http.ts';
import { noRedis, startRedis, type TestRedis } from '../support/redis.ts';
import { startReprise } from '../support/reprise.ts';
import { startUpstream } from '../support/upstream.ts';

const CHAT = '/v1/chat/completions';

/** How a Redis fails, and how it comes back. */
const OUTAGES: readonly {
  readonly name: string;
  /** Only writes fail, and behind the answers: of threads none can notice. */
  readonly hubsAlone?: boolean;
  readonly begin: (redis: TestRedis) => unknown;
  readonly end: (redis: TestRedis) => unknown;
}[] = [
  { name: 'answers nothing', begin: (redis) => redis.freeze(), end: (redis) => redis.thaw() },
  { name: 'is gone, and comes back empty', begin: (redis) => redis.kill(), end: (redis) => redis.restart() },
  {
    name: 'takes nothing, being a replica',
    hubsAlone: true,
    begin: (redis) => redis.ask('REPLICAOF', '127.0.0.1', '1'),
    end: (redis) => redis.ask('REPLICAOF', 'NO', 'ONE'),
  },
  {
    name: 'has no memory left',
    hubsAlone: true,
    begin: (redis) => redis.ask('CONFIG', 'SET', 'maxmemory', '1000'),
    end: (redis) => redis.ask('CONFIG', 'SET', 'maxmemory', '0'),
  },
  {
    name: 'is slow again and again',
    begin: (redis) => pausing(redis),
    end: () => slow.abort(),
  },
];

let slow = new AbortController();

/** Lets it answer only every 300 ms. */
function pausing(redis: TestRedis): void {
  slow = new AbortController();
  const { signal } = slow;
  void (async () => {
    while (!signal.aborted) {
      await redis.ask('CLIENT', 'PAUSE', '250', 'ALL').catch(() => undefined);
      await wait(50);
    }
  })();
}

for (const workers of [1, 2])
  describe(`an outage of Redis, for instances of ${threads(workers)},`, { skip: noRedis }, () => {
    // Threads find out of it all through the one way to Redis that their instance has: there it is gone through more briefly.
    const lasting = (ms: number) => ms / workers;

    for (const { name, begin, end, hubsAlone } of OUTAGES) {
      if (hubsAlone && workers > 1) continue;
      test(`that ${name} fails no request, is told, and ends by itself`, async (t) => {
        await using redis = await startRedis();
        await using fleet = await startFleet({ workers, redis, settings: { timeout: '50ms' } });
        await until(() => fleet.isComplete(), 'three instances that know each other');
        const before = await load(fleet, 'before', lasting(1_000));
        await begin(redis);
        const during = await load(fleet, 'during', lasting(3_000));
        await until(() => isDegraded(fleet), 'everybody degraded', 10_000);
        await end(redis);
        const after = await load(fleet, 'after', lasting(1_000));
        await until(
          async () => !(await isDegraded(fleet)) && (await fleet.isComplete()),
          'everybody well',
          15_000,
        );
        report(t, { before, during, after });
        for (const { failed } of [before, during, after]) assert.equal(failed, 0);
        // What was purged meanwhile, or is now, is so for all.
        await assertPurged(fleet);
      });
    }

    test('whose answers are garbage fails no request, and ends by itself', async (t) => {
      await using redis = await startRedis();
      await using fleet = await startFleet({ workers, redis, settings: { timeout: '50ms' } });
      await until(() => fleet.isComplete(), 'three instances that know each other');
      await redis.kill();
      const garbage = createServer((socket) => {
        socket.on('error', () => undefined);
        socket.on('data', () =>
          socket.write('?what\r\n$-7\r\n*3\r\n:::::\r\nHTTP/1.1 400 Bad Request\r\n\r\n'),
        );
      });
      await new Promise<void>((resolve) => garbage.listen(redis.port, '127.0.0.1', resolve));
      const during = await load(fleet, 'during', lasting(2_000));
      await new Promise((resolve) => garbage.close(resolve));
      await redis.restart();
      await until(
        async () => !(await isDegraded(fleet)) && (await fleet.isComplete()),
        'everybody well',
        15_000,
      );
      report(t, { during });
      assert.equal(during.failed, 0);
      await assertPurged(fleet);
    });

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
      assert.equal(((await redis.ask('KEYS', 'reprise:1:entry:*')) as unknown[]).length, 2);
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

interface Loaded {
  readonly count: number;
  readonly failed: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

/** Sends hits, misses and vectors to all instances for a while. */
async function load(fleet: Fleet, name: string, ms: number): Promise<Loaded> {
  const took: number[] = [];
  let failed = 0;
  const end = performance.now() + ms;
  const askers = Array.from({ length: 6 }, async (_, worker) => {
    for (let turn = 0; performance.now() < end; turn += 1) {
      const { url } = fleet.instances[(worker + turn) % 3] ?? fleet.instances[0];
      const began = performance.now();
      const body = turn % 4 === 0 ? chat(`${name} ${worker} ${turn}`) : chat(`known ${turn % 10}`);
      const { status } = await send(url + CHAT, { body }).catch(() => ({ status: 0 }));
      took.push(performance.now() - began);
      if (status !== 200) failed += 1;
    }
  });
  await Promise.all(askers);
  took.sort((one, other) => one - other);
  const at = (share: number) => Math.round((took[Math.floor(took.length * share)] ?? 0) * 10) / 10;
  return { count: took.length, failed, p50: at(0.5), p99: at(0.99) };
}

async function isDegraded({ instances }: Fleet): Promise<boolean> {
  const checks = instances.map(async ({ url }) => {
    const { status, json } = await send(`${url}/health/ready`);
    assert.equal(status, 200);
    return (json() as { checks: { l3: { state: string } } }).checks.l3.state === 'degraded';
  });
  return (await Promise.all(checks)).some(Boolean);
}

async function assertPurged(fleet: Fleet): Promise<void> {
  const sent = { body: chat('in the end'), headers: { 'x-cache-tags': 'product:9' } };
  for (const { url } of fleet.instances) await send(url + CHAT, sent);
  const { instances } = (
    await fleet.control(fleet.instances[1], '/cache/invalidate', { tags: ['product:9'] })
  ).json() as {
    instances: { shared: boolean; acknowledged: readonly string[] };
  };
  assert.deepEqual([instances.shared, instances.acknowledged.length], [true, 2]);
  const known = fleet.upstream.calls.length;
  for (const { url } of fleet.instances) {
    await send(url + CHAT, sent);
    await fleet.settled();
  }
  assert.equal(fleet.upstream.calls.length, known + 1);
}

function report(t: TestContext, loads: Readonly<Record<string, Loaded>>): void {
  for (const [name, { count, p50, p99 }] of Object.entries(loads))
    t.diagnostic(`${name}: ${count} requests, p50 ${p50} ms, p99 ${p99} ms`);
}
