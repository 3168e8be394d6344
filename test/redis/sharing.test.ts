import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Worker } from 'node:worker_threads';
import { until, within } from '../support/deadline.ts';
import { startFleet, threads } from '../support/fleet.ts';
import { chat, open, send } from '../support/http.ts';
import { answerAsOpenAi, sendJson } from '../support/openai-server.ts';
import { noRedis } from '../support/redis.ts';

const CHAT = '/v1/chat/completions';

/** An answer that ends before its time, and so is not stored. */
const CUT_OFF = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'gpt-5-mini',
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content: 'a', refusal: null },
      finish_reason: 'content_filter',
    },
  ],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
};

/** So many requests reach all threads of an instance, each coming over a connection of its own. */
const MANY = 12;

for (const workers of [1, 2])
  describe(`instances of ${threads(workers)} that share a Redis`, {
    skip: noRedis,
  }, () => {
    test('serve what one of them fetched, streams and vectors included', async () => {
      await using fleet = await startFleet({ workers });
      const [one, two, three] = fleet.instances;
      const asks = [
        [CHAT, { body: chat('hi') }],
        [CHAT, { body: chat('live', { stream: true }) }],
        ['/v1/embeddings', { body: { model: 'e', input: ['a', 'b'] } }],
        ['/v1/models', {}],
      ] as const;
      const levels: (string | undefined)[] = [];
      for (const [path, sent] of asks) {
        const miss = await send(one.url + path, sent);
        assert.equal(miss.headers.get('x-cache'), 'MISS', path);
        await fleet.settled();
        for (const other of [two, three]) {
          const hit = await send(other.url + path, sent);
          assert.equal(hit.headers.get('x-cache'), 'HIT', path);
          assert.equal(hit.headers.get('x-cache-level'), 'l3', path);
          assert.match(hit.headers.get('cache-status') ?? '', /detail=l3/);
          for (let time = 0; time < MANY; time += 1) {
            const again = await send(other.url + path, sent);
            assert.deepEqual(again.body, hit.body);
            levels.push(again.headers.get('x-cache-level'));
          }
        }
      }
      assert.equal(fleet.upstream.calls.length, asks.length);
      // Another thread has it of its own instance.
      const from = (level: string) => levels.filter((one) => one === level).length;
      assert.equal(from('l1') + from('l2'), levels.length);
      const most = (workers - 1) * 2 * asks.length;
      assert.ok(workers === 1 ? from('l2') === 0 : from('l2') > 0 && from('l2') <= most, `${levels}`);
    });

    test('purge together: whoever is told of it, nobody serves it any more, and the call says who has it', async () => {
      await using fleet = await startFleet({ workers });
      const [one, two, three] = fleet.instances;
      const sent = { body: chat('price'), headers: { 'x-cache-tags': 'product:7' } };
      for (const { url } of fleet.instances)
        for (let time = 0; time < MANY; time += 1) await send(url + CHAT, sent);
      await until(() => fleet.isComplete(), 'three instances that know each other');
      const purge = await fleet.control(one, '/cache/invalidate', { tags: ['product:7'] });
      assert.equal(purge.status, 200);
      const { instances } = purge.json() as {
        instances: { shared: boolean; acknowledged: string[]; missing: string[] };
      };
      assert.equal(instances.shared, true);
      assert.equal(instances.acknowledged.length, 2);
      assert.deepEqual(instances.missing, []);
      const before = fleet.upstream.calls.length;
      const miss = await send(two.url + CHAT, sent);
      assert.equal(miss.headers.get('x-cache'), 'MISS');
      await fleet.settled();
      for (const { url } of [one, three]) {
        assert.equal((await send(url + CHAT, sent)).headers.get('x-cache-level'), 'l3');
        for (let time = 0; time < MANY; time += 1)
          assert.deepEqual((await send(url + CHAT, sent)).body, miss.body);
      }
      assert.equal(fleet.upstream.calls.length, before + 1);
    });

    test('expire together: one fetches it anew for all, and all have the old one for when that fails', async () => {
      const kept = { types: { llm_responses: { stale_if_error: '1h' } } };
      await using fleet = await startFleet({ workers, profile: kept });
      await until(() => fleet.isComplete(), 'three instances that know each other');
      const [one, two] = fleet.instances;
      let status = 200;
      fleet.upstream.answer((_request, response) => {
        const [choice] = CUT_OFF.choices;
        const whole = { ...CUT_OFF, created: fleet.upstream.calls.length };
        sendJson(response, status, { ...whole, choices: [{ ...choice, finish_reason: 'stop' }] });
      }, '/chat/completions');
      const sent = { body: chat('price'), headers: { 'x-cache-tags': 'product:7' } };
      const everywhere = async () => {
        const told = new Set<string>();
        for (const { url } of fleet.instances) {
          for (let time = 0; time < MANY; time += 1) {
            const { headers, json } = await send(url + CHAT, sent);
            told.add(`${headers.get('x-cache')} ${json().created}`);
          }
        }
        return [...told];
      };
      const expire = () => fleet.control(one, '/cache/invalidate', { tags: ['product:7'], mode: 'expire' });
      await send(one.url + CHAT, sent);
      await fleet.settled();
      assert.deepEqual(await everywhere(), ['HIT 1']);
      await expire();
      assert.equal((await send(two.url + CHAT, sent)).headers.get('x-cache'), 'MISS');
      await fleet.settled();
      assert.deepEqual(await everywhere(), ['HIT 2']);
      await expire();
      status = 500;
      assert.deepEqual(await everywhere(), ['STALE 2']);
    });

    test('keep all tags of an answer that several of them say something of, wherever it is found then', async () => {
      await using fleet = await startFleet({ workers });
      await until(() => fleet.isComplete(), 'three instances that know each other');
      const [one, two, three] = fleet.instances;
      const ask = (url: string, tag?: string) =>
        send(url + CHAT, {
          body: chat('tea'),
          ...(tag !== undefined && { headers: { 'x-cache-tags': tag } }),
        });
      await ask(one.url);
      await fleet.settled();
      await ask(two.url);
      // Each adds to its own copy, and then both to what they share.
      await Promise.all([ask(one.url, 'product:1'), ask(two.url, 'product:2')]);
      await fleet.settled();
      assert.equal((await ask(three.url)).headers.get('x-cache-level'), 'l3');
      for (const tag of ['product:1', 'product:2']) {
        const { matched } = (
          await fleet.control(three, '/cache/invalidate', { tags: [tag], dry_run: true })
        ).json();
        assert.equal(matched, 1, tag);
      }
    });

    test('make one upstream call of 300 that ask the same for JSON at once', async () => {
      // Who sends 300 requests from the process of the instances may keep them from Redis' answers for half a second, which were an outage.
      await using fleet = await startFleet({ workers, settings: { timeout: '2s' } });
      await until(() => fleet.isComplete(), 'three instances that know each other');
      const gate = fleet.upstream.hold();
      const answers = Array.from({ length: 300 }, (_, at) =>
        send((fleet.instances[at % 3]?.url ?? '') + CHAT, { body: chat('all at once') }),
      );
      await until(() => fleet.instances.every((one) => one.running() === 100), 'everybody waiting', 20_000);
      gate.release();
      const bodies = new Set((await Promise.all(answers)).map(({ status, body }) => `${status} ${body}`));
      assert.equal(bodies.size, 1);
      assert.equal(fleet.upstream.calls.length, 1);
    });

    test('wait once and not again for answers that are not stored', async () => {
      await using fleet = await startFleet({ workers });
      await until(() => fleet.isComplete(), 'three instances that know each other');
      const [one, two] = fleet.instances;
      const ask = { body: chat('cut off', { max_completion_tokens: 1 }) };
      let inside = 0;
      let most = 0;
      fleet.upstream.answer((_request, response) => {
        inside += 1;
        most = Math.max(most, inside);
        setTimeout(() => {
          inside -= 1;
          sendJson(response, 200, CUT_OFF);
        }, 300);
      }, '/chat/completions');
      const both = async () => {
        const answers = await Promise.all([one, two].map(({ url }) => send(url + CHAT, ask)));
        for (const { status, headers } of answers)
          assert.deepEqual([status, headers.get('x-cache')], [200, 'MISS']);
      };
      await both();
      // When each thread that is asked has waited in vain once, both are at the upstream at the same time.
      await until(() => both().then(() => most === 2), 'two calls at once', 20_000);
    });

    test('wait no longer for one that has died than its lease lasts', async () => {
      await using fleet = await startFleet({ workers });
      await until(() => fleet.isComplete(), 'three instances that know each other');
      const [one, two] = fleet.instances;
      const first = await send(one.url + CHAT, {
        body: chat('left alone'),
        headers: { 'x-cache-tags': 'gone' },
      });
      await fleet.control(one, '/cache/invalidate', { tags: ['gone'] });
      const id = first.headers.get('x-cache-key')?.split('/').at(-1) ?? '';
      await fleet.redis.ask('SET', `reprise:2:lease:${id}`, 'of nobody', 'PX', '700');
      const began = performance.now();
      const answer = await send(two.url + CHAT, { body: chat('left alone') });
      assert.deepEqual([answer.status, answer.headers.get('x-cache')], [200, 'MISS']);
      assert.ok(performance.now() - began > 600);
      const { bus } = (await send(`${two.url}/monitoring/cache/levels`)).json() as {
        bus: { leases: { waited: number } };
      };
      assert.equal(bus.leases.waited, 1);
    });

    test('wait for nothing that another fetches since before an invalidation in the same instance', async () => {
      await using fleet = await startFleet({ workers });
      await until(() => fleet.isComplete(), 'three instances that know each other');
      const [one] = fleet.instances;
      const first = Promise.withResolvers<void>();
      fleet.upstream.answer(async (request, response, turn) => {
        if (fleet.upstream.calls.length === 1) await first.promise;
        await answerAsOpenAi(request, response, turn);
      });
      const sent = { body: chat('price'), headers: { 'x-cache-tags': 'product:7' } };
      const before = send(one.url + CHAT, sent);
      await until(() => fleet.upstream.calls.length === 1, 'the first call');
      await fleet.control(one, '/cache/invalidate', { tags: ['product:7'] });
      const after = Promise.all(Array.from({ length: MANY }, () => send(one.url + CHAT, sent)));
      for (const { status } of await within(after, 'all that came later')) assert.equal(status, 200);
      first.resolve();
      assert.equal((await before).status, 200);
    });

    test('wait for nothing that another instance fetches since before an invalidation, also beside some who do', async () => {
      await using fleet = await startFleet({ workers });
      await until(() => fleet.isComplete(), 'three instances that know each other');
      const [one, two, three] = fleet.instances;
      const first = Promise.withResolvers<void>();
      fleet.upstream.answer(async (request, response, turn) => {
        if (fleet.upstream.calls.length === 1) await first.promise;
        await answerAsOpenAi(request, response, turn);
      });
      const sent = { body: chat('price'), headers: { 'x-cache-tags': 'product:7' } };
      const early = [send(one.url + CHAT, sent)];
      await until(() => fleet.upstream.calls.length === 1, 'the first call');
      for (let at = 0; at < MANY; at += 1) early.push(send(two.url + CHAT, sent));
      const isWaiting = async () => {
        const { bus } = (await send(`${two.url}/monitoring/cache/levels`)).json() as {
          bus: { leases: { waited: number } };
        };
        return bus.leases.waited > 0;
      };
      await until(isWaiting, 'those who wait for it');
      await fleet.control(three, '/cache/invalidate', { tags: ['product:7'] });
      const late = Array.from({ length: MANY }, () => send(two.url + CHAT, sent));
      for (const { status } of await within(Promise.all(late), 'all that came later'))
        assert.equal(status, 200);
      assert.equal(fleet.upstream.calls.length, 2);
      first.resolve();
      for (const { status } of await within(Promise.all(early), 'all others')) assert.equal(status, 200);
      assert.equal(fleet.upstream.calls.length, 2);
    });

    test('make no more calls than there are instances for as many that ask for a stream', async () => {
      await using fleet = await startFleet({ workers });
      await until(() => fleet.isComplete(), 'three instances that know each other');
      const gate = fleet.upstream.holdChunks(1);
      const asked = Array.from({ length: 300 }, (_, at) =>
        open((fleet.instances[at % 3]?.url ?? '') + CHAT, { body: chat('live', { stream: true }) }),
      );
      // Who has the head of an answer has begun a call, or joined one.
      const answers = await within(Promise.all(asked), 'everybody following', 20_000);
      gate.release();
      for (const { status, chunks } of answers) {
        assert.equal(status, 200);
        for await (const _ of chunks);
      }
      // No instance waits for another: its first words come sooner from a call of its own.
      assert.ok(fleet.upstream.calls.length <= 3, `${fleet.upstream.calls.length} calls`);
    });
  });

test('a thread that ends while it asks for a lease has none', { skip: noRedis }, async (t) => {
  const workers: Worker[] = [];
  const listen = (worker: Worker) => workers.push(worker);
  process.on('worker', listen);
  t.after(() => process.off('worker', listen));
  await using fleet = await startFleet({ workers: 2, settings: { timeout: '5s' } });
  await until(() => fleet.isComplete(), 'three instances that know each other');
  const { redis, instances } = fleet;
  // Redis answers who reads, and lets who writes wait.
  await redis.ask('CLIENT', 'PAUSE', '10000', 'WRITE');
  const answer = send(instances[0].url + CHAT, { body: chat('left alone') }).catch(() => undefined);
  const isHeldUp = async () => /flags=b .* cmd=evalsha /.test(String(await redis.ask('CLIENT', 'LIST')));
  await until(isHeldUp, 'somebody who asks');
  for (const worker of workers.slice(0, 2)) await worker.terminate();
  await answer;
  await redis.ask('CLIENT', 'UNPAUSE');
  const leases = async () => (await redis.ask('KEYS', 'reprise:2:lease:*')) as unknown[];
  await until(async () => (await leases()).length === 0, 'no lease of nobody', 3_000);
});
