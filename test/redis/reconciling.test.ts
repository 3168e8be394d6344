import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { Announced } from '../../src/cache/announced.ts';
import type { Place } from '../../src/cache/bus.ts';
import { reconcile } from '../../src/cache/reconcile.ts';
import { redisKeys } from '../../src/cache/redis-keys.ts';
import { SharedTable } from '../../src/cache/shared-table.ts';
import { until } from '../support/deadline.ts';
import { startFleet } from '../support/fleet.ts';
import { send as ask, chat } from '../support/http.ts';
import { noRedis, startRedis, type TestRedis } from '../support/redis.ts';
import { startReprise } from '../support/reprise.ts';
import { startUpstream } from '../support/upstream.ts';

const HOUR = 3_600_000;
const keys = redisKeys('test');
const purge = (tag: string) => `purge {"tags":["${tag}"]}`;

/** An instance's knowledge of a table, over the command line of a Redis. */
function instanceOn(redis: TestRedis, keptMs = HOUR) {
  const table = new SharedTable(keys, { id: 'i', name: 'host-i', version: '1.0.0', wire: 2 }, keptMs);
  const send = (_key: string, command: readonly (string | Buffer)[]) => redis.ask(...command);
  const announced = new Announced();
  return {
    table,
    send,
    announced,
    place: undefined as Place | undefined,
    formerly: undefined as Place | undefined,
    async announce(...texts: string[]) {
      for (const [text, seq] of await table.announceNew(send, texts)) announced.add(text, seq);
      this.place = (await table.beat(send, this.place)).place;
    },
    /** Connects again, and reads what it has to; gives what it takes for news. */
    async meet(): Promise<readonly string[]> {
      const { place: now } = await table.beat(send, this.place ?? this.formerly);
      const { from, isApplied } = await reconcile(this, now);
      const news: string[] = [];
      for await (const page of table.after(send, from))
        for (const [text, seq] of page) if (!isApplied(text, seq)) news.push(text);
      return news;
    },
    /** It ends, and begins anew with what its log has. */
    begin() {
      this.formerly = this.place;
      this.place = undefined;
    },
  };
}

describe('an instance and a table that do not know of each other’s last words', { skip: noRedis }, () => {
  test('agree without a word where nothing was lost, also after a restart', async () => {
    await using redis = await startRedis();
    const one = instanceOn(redis);
    await one.announce(purge('a'), purge('b'));
    assert.deepEqual(await one.meet(), []);
    one.begin();
    assert.deepEqual(await one.meet(), []);
  });

  test('have what a dump lacks announced again, also where somebody has announced something since', async () => {
    await using redis = await startRedis();
    const one = instanceOn(redis);
    await one.announce(purge('a'));
    const dumped = await redis.ask('DUMP', keys.marks);
    const state = (await redis.ask('HGETALL', keys.state)) as Buffer[];
    await one.announce(purge('lost'));
    one.begin();
    await redis.ask('RESTORE', keys.marks, '0', dumped as Buffer, 'REPLACE');
    await redis.ask('HSET', keys.state, ...state);
    const other = instanceOn(redis);
    await other.announce(purge('since'));
    assert.deepEqual(await one.meet(), [purge('since'), purge('lost')]);
    assert.deepEqual(await other.meet(), [purge('lost')]);
  });

  test('do not carry out again what the table has folded', async () => {
    await using redis = await startRedis();
    const one = instanceOn(redis);
    await one.announce(purge('a'), purge('b'));
    await wait(40);
    await instanceOn(redis, 20).announce(purge('c'));
    assert.equal(await redis.ask('ZSCORE', keys.marks, purge('a')), null);
    assert.deepEqual(await one.meet(), [purge('c')]);
    assert.equal(await redis.ask('ZSCORE', keys.marks, purge('a')), null);
  });

  test('of a table that comes back empty take for news what they had not applied', async () => {
    await using redis = await startRedis();
    const [one, behind] = [instanceOn(redis), instanceOn(redis)];
    await one.announce(purge('a'), purge('b'));
    await behind.meet();
    for (const [text, seq] of one.announced.all()) behind.announced.add(text, seq);
    behind.place = one.place;
    await one.announce(purge('b'), purge('c'));
    await redis.ask('FLUSHALL');
    assert.deepEqual(await one.meet(), []);
    const stranger = instanceOn(redis);
    assert.deepEqual((await stranger.meet()).toSorted(), [purge('a'), purge('b'), purge('c')]);
    // It handed over nothing that was not known, and finds two that are later than what it has applied.
    assert.deepEqual((await behind.meet()).toSorted(), [purge('b'), purge('c')]);
    await stranger.announce(purge('a'));
    assert.deepEqual(await one.meet(), [purge('a')]);
  });

  test('begin a new life where Redis has evicted the announcements', async () => {
    await using redis = await startRedis();
    const one = instanceOn(redis);
    const epoch = async () => (await one.table.beat(one.send, one.place)).place.epoch;
    const first = await epoch();
    assert.equal(await epoch(), first);
    await one.announce(purge('a'));
    assert.equal(await epoch(), first);
    await redis.ask('DEL', keys.marks);
    const second = await epoch();
    assert.notEqual(second, first);
    assert.deepEqual(await one.meet(), []);
    assert.deepEqual(await instanceOn(redis).meet(), [purge('a')]);
    assert.equal(await epoch(), second);
  });
});

test('what an instance knows of the table is bounded, and the last of it stays', () => {
  const announced = new Announced(10);
  for (let at = 1; at <= 25; at += 1) announced.add(`t${at}`, at);
  announced.add('t25', 7);
  const all = announced.all();
  assert.ok(all.length <= 10);
  assert.deepEqual(all[0], ['t25', 25]);
  assert.equal(announced.numberOf('t1'), undefined);
});

describe('fleets on one Redis', { skip: noRedis }, () => {
  const CHAT = '/v1/chat/completions';
  const body = chat('price');
  const tagged = { body, headers: { 'x-cache-tags': 'product:1' } };
  const cached = async ({ url }: { readonly url: string }) =>
    (await ask(url + CHAT, { body, headers: { 'cache-control': 'only-if-cached' } })).status;
  const invalidate = (url: string, order: object) =>
    ask(`${url}/cache/invalidate`, { body: order, headers: { authorization: undefined } });

  test('leave each other alone in different databases', async () => {
    await using redis = await startRedis();
    await using upstream = await startUpstream();
    const of = (database: number) =>
      startReprise({
        upstream: upstream.url,
        profile: { redis: { url: `${redis.url}/${database}`, timeout: '500ms' } },
      });
    await using production = await of(0);
    await using staging = await of(1);
    await invalidate(staging.url, { tags: ['product:1'] });
    // A message of another life of the table is looked into once, and then there is nothing more to be done.
    const stray = { epoch: 'none', before: 1, first: 2, from: 'x', said: ['purge'] };
    await redis.ask('PUBLISH', redisKeys('reprise').channel, JSON.stringify(stray));
    const bus = async () =>
      (
        (await ask(`${production.url}/monitoring/cache/levels`)).json() as {
          bus: { gaps: number };
        }
      ).bus;
    await until(async () => (await bus()).gaps > 0, 'a message that is looked into');
    await invalidate(production.url, { tags: ['product:2'] });
    assert.equal((await bus()).gaps, 1);
    assert.equal((await ask(`${production.url}/health/ready`)).json().status, 'ok');
  });

  test('are not purged again by a Redis that comes back empty, nor by a thousand patterns before a reconnection', async () => {
    await using fleet = await startFleet();
    await until(() => fleet.isComplete(), 'three instances that know each other');
    const [one, two] = fleet.instances;
    await fleet.control(one, '/cache/invalidate', { pattern: '*/*/*/*' });
    // As many as would be folded, were each counted again and again.
    for (let call = 0; call < 11; call += 1) {
      const pattern = Array.from({ length: 100 }, (_, at) => `nothing/${call}/${at}/*`);
      await fleet.control(one, '/cache/invalidate', { pattern });
    }
    for (const { url } of fleet.instances) await ask(url + CHAT, tagged);
    await fleet.settled();
    const outages = async () => {
      const { bus } = (await ask(`${two.url}/monitoring/cache/levels`)).json() as {
        bus: { outages: number };
      };
      return bus.outages;
    };
    for (const [at, cut] of [
      () => fleet.redis.ask('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'),
      async () => {
        await fleet.redis.kill();
        await fleet.redis.restart();
      },
    ].entries()) {
      await cut();
      await until(async () => (await outages()) > at && (await fleet.isComplete()), 'all back', 15_000);
      for (const instance of fleet.instances) assert.equal(await cached(instance), 200);
    }
    await fleet.control(two, '/cache/invalidate', { tags: ['product:1'] });
    for (const instance of fleet.instances) assert.equal(await cached(instance), 504);
  });

  test('share one secret, also after a Redis that came back empty, and say where they do not', async () => {
    await using fleet = await startFleet();
    await until(() => fleet.isComplete(), 'three instances that know each other');
    const key = redisKeys('reprise').secret;
    const known = String(await fleet.redis.ask('GET', key));
    await fleet.redis.ask('DEL', key);
    await until(async () => String(await fleet.redis.ask('GET', key)) === known, 'the secret back');
    await fleet.redis.ask('SET', key, Buffer.alloc(32, 7).toString('base64url'));
    await fleet.redis.ask('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    const reason = async () => {
      const { checks } = (await ask(`${fleet.instances[0].url}/health/ready`)).json() as {
        checks: { l3: { reason?: string } };
      };
      return checks.l3.reason ?? '';
    };
    await until(async () => /share another secret/.test(await reason()), 'that it is said');
  });
});
