import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { until } from '../support/deadline.ts';
import {
  assertPurged,
  assertShared,
  type Fleet,
  isDegraded,
  startFleetOfProcesses,
  threads,
} from '../support/fleet.ts';
import { FleetLoad } from '../support/load/fleet-load.ts';
import type { Achieved } from '../support/load/process.ts';
import { noRedis, startRedis, startRedisCluster, startSentinels, type TestRedis } from '../support/redis.ts';
import { type RedisRelay, startRelay } from '../support/redis-relay.ts';
import type { ServerProcess } from '../support/server/process.ts';

const TIMEOUT_MS = 50;
/** What two cores that all of this has to share may add: servers, Redis, upstream, and who asks. */
const NOISE_MS = 30;
const CONTROL_MS = 600;
const OUTAGE_MS = 1_000;
const TRIES = 5;
/** Milliseconds in which an outage is logged once. */
const QUIET_MS = 10_000;

/** How a Redis fails, and how it comes back; the fleet reaches it over the relay. */
interface Outage {
  readonly name: string;
  readonly begin: (redis: TestRedis, relay: RedisRelay) => unknown;
  readonly end: (redis: TestRedis, relay: RedisRelay) => unknown;
}

const OUTAGES: readonly Outage[] = [
  { name: 'answers nothing', begin: (redis) => redis.freeze(), end: (redis) => redis.thaw() },
  {
    name: 'takes nothing, being a replica',
    begin: (redis) => redis.ask('REPLICAOF', '127.0.0.1', '1'),
    end: (redis) => redis.ask('REPLICAOF', 'NO', 'ONE'),
  },
  {
    name: 'has no memory left',
    begin: (redis) => redis.ask('CONFIG', 'SET', 'maxmemory', '1000'),
    end: (redis) => redis.ask('CONFIG', 'SET', 'maxmemory', '0'),
  },
  { name: 'is gone, and comes back empty', begin: (redis) => redis.kill(), end: (redis) => redis.restart() },
  {
    name: 'takes 30 ms for each answer',
    begin(_redis, relay) {
      relay.delayMs = 30;
    },
    end(_redis, relay) {
      relay.delayMs = 0;
    },
  },
  {
    name: 'is slow again and again',
    begin: (redis) => pausing(redis),
    end: () => pauses.abort(),
  },
  {
    name: 'answers garbage',
    begin(_redis, relay) {
      relay.isMad = true;
    },
    end(_redis, relay) {
      relay.isMad = false;
    },
  },
];

let pauses = new AbortController();

/** Lets it answer only every 300 ms. */
function pausing(redis: TestRedis): void {
  pauses = new AbortController();
  const { signal } = pauses;
  void (async () => {
    while (!signal.aborted) {
      await redis.ask('CLIENT', 'PAUSE', '250', 'ALL').catch(() => undefined);
      await wait(50);
    }
  })();
}

const OPTIONS = { settings: { timeout: `${TIMEOUT_MS}ms` }, profile: { log: { requests: false } } };

for (const workers of [1, 2])
  describe(`three instances of ${threads(workers)}, under load,`, { skip: noRedis }, () => {
    /** Requests a second that the machine held when it was tried. */
    let rate: number | undefined;

    test('fail no request and hold none up for a Redis that is out of order, and say so once', async (t) => {
      const began = performance.now();
      await using redis = await startRedis();
      await using relay = await startRelay(redis.port);
      await using fleet = await startFleetOfProcesses({ ...OPTIONS, workers, redis, url: relay.url });
      await until(() => fleet.isComplete(), 'three instances that know each other');
      using load = await FleetLoad.on(fleet);
      rate = load.rate;
      t.diagnostic(`${rate} requests a second`);
      for (const { name, begin, end } of OUTAGES)
        await t.test(`that ${name}`, async (t) => {
          await assertUnhurt(t, fleet, load, {
            begin: () => begin(redis, relay),
            end: () => end(redis, relay),
          });
        });
      await until(() => fleet.isComplete(), 'everybody well', 15_000);
      assertBrief(fleet, performance.now() - began);
    });

    test('share a cluster, and do so when one node of it answers nothing', async (t) => {
      await using cluster = await startRedisCluster();
      const [redis, , last] = cluster.nodes;
      assert.ok(redis && last);
      await using fleet = await startFleetOfProcesses({ ...OPTIONS, workers, redis, url: cluster.url });
      await until(() => fleet.isComplete(), 'three instances that know each other', 10_000);
      // In these seconds nothing is announced, and all go on listening.
      using load = await FleetLoad.on(fleet, rate);
      await assertShared(fleet);
      const sizes = await Promise.all(cluster.nodes.map((node) => node.ask('DBSIZE')));
      assert.ok(
        sizes.every((size) => Number(size) > 10),
        `${sizes}`,
      );
      await assertUnhurt(t, fleet, load, { begin: () => last.freeze(), end: () => last.thaw() });
    });

    test('share what sentinels know, and do so while another takes its place', async (t) => {
      await using sentinels = await startSentinels();
      const [master, replica] = sentinels.nodes;
      assert.ok(master && replica);
      const { url } = sentinels;
      await using fleet = await startFleetOfProcesses({ ...OPTIONS, workers, redis: replica, url });
      await until(() => fleet.isComplete(), 'three instances that know each other', 10_000);
      // In these seconds nothing is announced, and all go on listening.
      using load = await FleetLoad.on(fleet, rate);
      await assertShared(fleet);
      const before = await load.runUnhurt(CONTROL_MS);
      await master.kill();
      // It takes some seconds, and happens once: each of them is looked at.
      const during: Achieved[] = [];
      for (let second = 0; second < 3; second += 1) during.push(await load.run(OUTAGE_MS));
      await until(() => fleet.isComplete(), 'the instances at the new master', 20_000);
      // What else the machine does may begin meanwhile.
      const after = await load.run(CONTROL_MS);
      const well = after.p99 > before.p99 ? after : before;
      const added = during.map((second) => risen(t, well, second));
      assert.ok(added.filter(isHarmless).length >= 2, `p99 rose by ${added} ms`);
      await assertShared(fleet, 'after');
    });
  });

/**
 * Of up to five outages, beside a while of nothing out of order, two do no harm: what else the machine does only ever adds to what is
 * measured, and must not decide. All requests of all of them are answered, in each it is told that something is out of order, and what is
 * purged afterwards is so for all.
 */
async function assertUnhurt(
  t: TestContext,
  fleet: Fleet<ServerProcess>,
  load: FleetLoad,
  outage: { readonly begin: () => unknown; readonly end: () => unknown },
): Promise<void> {
  const added: number[] = [];
  const harmless = () => added.filter(isHarmless).length;
  const before = await load.runUnhurt(CONTROL_MS);
  while (harmless() < 2 && added.length < TRIES) {
    await outage.begin();
    added.push(risen(t, before, await load.run(OUTAGE_MS)));
    await until(() => isDegraded(fleet), 'somebody who says so', 10_000);
    await outage.end();
    await until(() => fleet.isComplete({ evenAfterRefusals: true }), 'all who share again', 20_000);
  }
  await assertPurged(fleet);
  assert.ok(harmless() >= 2, `p99 rose by ${added} ms`);
}

/** By how many whole milliseconds the time in which 99 of 100 requests are answered is longer than before. */
function risen(t: TestContext, before: Achieved, during: Achieved): number {
  const told = ({ p50, p99, max }: Achieved) =>
    `p50 ${p50.toFixed(1)}, p99 ${p99.toFixed(1)}, at most ${max.toFixed(1)} ms`;
  t.diagnostic(`before ${told(before)}; during ${told(during)}`);
  return Math.round(during.p99 - before.p99);
}

function isHarmless(added: number): boolean {
  return added <= TIMEOUT_MS + NOISE_MS;
}

/** Of outages that last so long all together each instance, whatever its threads, says no more than now and then that there is one. */
function assertBrief({ instances }: Fleet<ServerProcess>, ms: number): void {
  for (const instance of instances) {
    const lines = instance.log().split('\n');
    const told = lines.filter((line) => /"message":"(?:degraded|recovered)","what":"redis"/.test(line));
    const degraded = told.filter((line) => line.includes('"degraded"')).length;
    assert.ok(degraded >= 1 && degraded <= 1 + ms / QUIET_MS, `${degraded} in ${ms} ms`);
    assert.ok(told.length <= 2 * degraded, told.join('\n'));
    const others = lines.filter((line) => /"level":"(?:warn|error)"/.test(line) && !told.includes(line));
    assert.ok(others.length <= degraded + 1, others.join('\n'));
  }
}
