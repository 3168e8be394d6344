import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Clock, systemClock } from '../../src/shared/clock.ts';
import { until } from '../support/deadline.ts';
import { startFleet, threads } from '../support/fleet.ts';
import { type Answer, chat, send } from '../support/http.ts';
import { noRedis, startRedis, type TestRedis } from '../support/redis.ts';
import { startReprise } from '../support/reprise.ts';
import { startUpstream } from '../support/upstream.ts';

const CHAT = '/v1/chat/completions';

for (const workers of [1, 2])
  describe(`what lies in Redis, for instances of ${threads(workers)},`, { skip: noRedis }, () => {
    test('is a miss where it is damaged, another entry, foreign, or no text at all', async () => {
      await using fleet = await startFleet({ workers });
      const { redis, instances } = fleet;
      const [one, two] = instances;
      const bodies = ['first', 'second', 'third', 'fourth', 'fifth'].map((content) => chat(content));
      for (const body of bodies) await send(one.url + CHAT, { body });
      await fleet.settled();
      const keys = await entriesIn(redis);
      assert.equal(keys.length, bodies.length);
      const records = await Promise.all(keys.map((key) => redis.ask('GET', key)));
      const [first, second] = records;
      assert.ok(Buffer.isBuffer(first) && Buffer.isBuffer(second));
      const [a = '', b = '', c = '', d = '', e = ''] = keys;
      const flipped = Buffer.from(first);
      flipped[flipped.length - 9] = (flipped[flipped.length - 9] ?? 0) ^ 1;
      await redis.ask('SET', a, flipped);
      await redis.ask('SET', b, first);
      await redis.ask('SET', c, 'hello');
      await redis.ask('DEL', d);
      await redis.ask('LPUSH', d, 'a list');
      await redis.ask('SET', e, Buffer.from(second.subarray(0, 40)));
      for (const body of bodies) {
        const answer = await send(two.url + CHAT, { body });
        assert.deepEqual([answer.status, answer.headers.get('x-cache')], [200, 'MISS']);
      }
      await fleet.settled();
      // They have been replaced by what was fetched, but for what cannot be.
      for (const body of bodies.slice(0, 3)) await send(instances[2].url + CHAT, { body });
      assert.equal(fleet.upstream.calls.length, 2 * bodies.length);
    });

    test('has the times that it was stored with, and ends by itself when nobody can be served it any more', async () => {
      await using fleet = await startFleet({
        workers,
        profile: { types: { llm_responses: { ttl: '20s', stale_if_error: '40s' } } },
      });
      const [one, two] = fleet.instances;
      await send(one.url + CHAT, { body: chat('hi') });
      await fleet.settled();
      const [key = ''] = await entriesIn(fleet.redis);
      const left = Number(await fleet.redis.ask('PTTL', key));
      assert.ok(left > 55_000 && left <= 60_000, `${left} ms`);
      const hit = await send(two.url + CHAT, { body: chat('hi') });
      assert.match(hit.headers.get('cache-status') ?? '', /ttl=(?:19|20); detail=l3/);
    });

    test('is asked again for what is over here: another instance may have fetched it anew', async () => {
      await using fleet = await startFleet({ workers });
      const [one, two] = fleet.instances;
      const brief = { body: chat('brief'), headers: { 'x-cache-ttl': '1s' } };
      await send(one.url + CHAT, brief);
      await fleet.settled();
      assert.equal((await send(two.url + CHAT, brief)).headers.get('x-cache-level'), 'l3');
      await until(
        async () =>
          (await send(one.url + CHAT, { ...brief, headers: { 'cache-control': 'only-if-cached' } }))
            .status === 504,
        'its end',
      );
      await send(one.url + CHAT, { body: chat('brief') });
      await fleet.settled();
      const calls = fleet.upstream.calls.length;
      const hit = await send(two.url + CHAT, { body: chat('brief') });
      assert.deepEqual([hit.headers.get('x-cache'), hit.headers.get('x-cache-level')], ['HIT', 'l3']);
      const again = [];
      for (let time = 0; time < 4 * workers; time += 1)
        again.push(await send(two.url + CHAT, { body: chat('brief') }));
      // Every other thread may have a copy of its own that is over, and then looks once.
      const looked = again.filter(({ headers }) => headers.get('x-cache-level') === 'l3');
      assert.ok(looked.length < workers, `${looked.length} looked`);
      for (const answer of again) if (!looked.includes(answer)) assertOwn(answer);
      assert.equal(fleet.upstream.calls.length, calls);
    });

    test('is nothing that is larger than it may be, and nothing of others: they have a prefix of their own', async () => {
      await using redis = await startRedis();
      await using small = await startFleet({ workers, redis, settings: { max_entry: '2KB' } });
      await using other = await startFleet({ workers, redis, settings: { prefix: 'other:fleet' } });
      const large = { body: { model: 'e', input: 'x', dimensions: 1_000 } };
      await send(`${small.instances[0].url}/v1/embeddings`, large);
      await send(small.instances[0].url + CHAT, { body: chat('small') });
      await small.settled();
      assertOwn(await send(`${small.instances[0].url}/v1/embeddings`, large));
      assert.equal(
        (await send(`${small.instances[1].url}/v1/embeddings`, large)).headers.get('x-cache'),
        'MISS',
      );
      assert.equal(
        (await send(small.instances[1].url + CHAT, { body: chat('small') })).headers.get('x-cache-level'),
        'l3',
      );
      assert.equal(
        (await send(other.instances[0].url + CHAT, { body: chat('small') })).headers.get('x-cache'),
        'MISS',
      );
      for (const key of (await redis.ask('KEYS', '*')) as Buffer[])
        assert.match(String(key), /^\{?(?:reprise|other:fleet):2[:}]/);
    });

    test('is dropped by /cache/clear with its level, and with it nothing else', async () => {
      await using fleet = await startFleet({ workers });
      const [one, two] = fleet.instances;
      for (const name of ['a', 'b', 'c']) await send(one.url + CHAT, { body: chat(name) });
      await fleet.settled();
      const cleared = await fleet.control(two, '/cache/clear', { level: 'l3' });
      assert.equal(cleared.json().cleared, 3);
      assert.ok(Number(cleared.json().freed_bytes) > 1_000);
      assert.equal((await send(two.url + CHAT, { body: chat('a') })).headers.get('x-cache'), 'MISS');
      assertOwn(await send(one.url + CHAT, { body: chat('a') }));
    });

    test('is the application’s own value as well: a new one, or none, counts for all', async () => {
      await using fleet = await startFleet({ workers });
      await until(() => fleet.isComplete(), 'three instances that know each other');
      const at = (instance: { readonly url: string }) => `${instance.url}/cache/values/products/7`;
      const put = (instance: { readonly url: string }, body: string) =>
        send(at(instance), {
          method: 'PUT',
          headers: { authorization: undefined, 'content-type': 'text/plain' },
          body,
        });
      const get = (instance: { readonly url: string }) =>
        send(at(instance), { headers: { authorization: undefined } });
      const [one, two, three] = fleet.instances;
      for (const [from, value] of [
        [one, 'first'],
        [two, 'second'],
        [one, 'third'],
      ] as const) {
        await put(from, value);
        await fleet.settled();
        for (const instance of fleet.instances) assert.equal((await get(instance)).body.toString(), value);
      }
      await send(at(three), {
        method: 'DELETE',
        headers: { authorization: undefined, 'content-type': 'application/json' },
      });
      for (const instance of fleet.instances) assert.equal((await get(instance)).status, 404);
    });

    // The clock of threads is the machine's.
    const alone = { skip: workers > 1 };
    test(
      'counts for instances whose clocks differ by minutes, and no purge is lost for that',
      alone,
      async () => {
        await using redis = await startRedis();
        await using upstream = await startUpstream();
        const start = (byMs: number) =>
          startReprise({
            upstream: upstream.url,
            clock: ahead(byMs),
            profile: { redis: { url: redis.url, timeout: '500ms' } },
          });
        await using early = await start(-180_000);
        await using late = await start(240_000);
        const sent = { body: chat('when'), headers: { 'x-cache-tags': 'product:1' } };
        for (const [one, other] of [
          [early, late],
          [late, early],
        ] as const) {
          assert.equal((await send(one.url + CHAT, sent)).headers.get('x-cache'), 'MISS');
          await redis.ask('PING');
          const hit = await eventually(() => send(other.url + CHAT, sent), 'HIT');
          assert.equal(hit.headers.get('x-cache-level'), 'l3');
          assert.ok(Number(hit.headers.get('age')) <= 2, String(hit.headers.get('age')));
          await send(`${other.url}/cache/invalidate`, {
            body: { tags: ['product:1'] },
            headers: { authorization: undefined },
          });
          await until(
            async () =>
              (await send(one.url + CHAT, { ...sent, headers: { 'cache-control': 'only-if-cached' } }))
                .status === 504,
            'the purge',
          );
        }
      },
    );
  });

/** It was found in a tier of the instance's own: in L1, or where another of its threads had it in L2. */
function assertOwn({ headers }: Answer): void {
  assert.match(headers.get('x-cache-level') ?? '', /^l[12]$/);
}

/** A clock that is ahead of the machine's by so much. */
function ahead(ms: number): Clock {
  return { ...systemClock, now: () => systemClock.now() + ms };
}

async function eventually(ask: () => ReturnType<typeof send>, outcome: string): ReturnType<typeof send> {
  let answer = await ask();
  await until(async () => {
    answer = answer.headers.get('x-cache') === outcome ? answer : await ask();
    return answer.headers.get('x-cache') === outcome;
  }, outcome);
  return answer;
}

/** The keys of all entries. */
async function entriesIn(redis: TestRedis): Promise<string[]> {
  return ((await redis.ask('KEYS', 'reprise:2:entry:*')) as Buffer[]).map(String).sort();
}
