import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '../support/deadline.ts';
import { startFleet, threads } from '../support/fleet.ts';
import { chat, send } from '../support/http.ts';
import { noRedis } from '../support/redis.ts';

const CHAT = '/v1/chat/completions';
const HITS = 300;
const PURGES = 100;

for (const workers of [1, 2])
  describe(`what sharing costs instances of ${threads(workers)}`, { skip: noRedis }, () => {
    test('is told in figures: look-ups, batches, and how long invalidations take to reach all', async (t) => {
      await using fleet = await startFleet({ workers });
      await until(() => fleet.isComplete(), 'three instances that know each other');
      const [one, two] = fleet.instances;
      for (let at = 0; at < HITS; at += 1) await send(one.url + CHAT, { body: chat(`question ${at}`) });
      const batch = { body: { model: 'e', input: Array.from({ length: 2_048 }, (_, at) => `input ${at}`) } };
      await send(`${one.url}/v1/embeddings`, batch);
      await fleet.settled();
      const pings: number[] = [];
      for (let at = 0; at < HITS; at += 1) {
        const asked = performance.now();
        await fleet.redis.ask('PING');
        pings.push(performance.now() - asked);
        const { headers } = await send(two.url + CHAT, { body: chat(`question ${at}`) });
        assert.equal(headers.get('x-cache-level'), 'l3');
      }
      const { levels } = await levelsOf(two.url);
      const alone = levels.find(({ level }) => level === 'l3');
      const began = performance.now();
      const whole = await send(`${two.url}/v1/embeddings`, batch);
      const batchMs = performance.now() - began;
      assert.equal(whole.headers.get('x-cache-parts'), '2048/2048');
      for (let at = 0; at < PURGES; at += 1)
        await fleet.control(one, '/cache/invalidate', { tags: [`product:${at}`] });
      const { bus } = await levelsOf(one.url);
      const { bus: other } = await levelsOf(two.url);
      t.diagnostic(`look-up in L3: p50 ${alone?.latency_us.p50} µs, p99 ${alone?.latency_us.p99} µs`);
      t.diagnostic(`2,048 vectors from L3: ${Math.round(batchMs)} ms, answer and all`);
      t.diagnostic(`until all apply an invalidation: p50 ${bus.lag_ms.p50} ms, p99 ${bus.lag_ms.p99} ms`);
      assert.deepEqual([alone?.hits, alone?.kind, alone?.max_bytes], [HITS, 'redis', null]);
      assert.deepEqual([bus.published, bus.lag_ms.count, bus.waiting, bus.gaps], [PURGES, PURGES, 0, 0]);
      assert.equal(other.applied, PURGES);
      // On a machine that does much else at this moment even a PING takes its time.
      const ping = pings.sort((a, b) => a - b)[HITS / 2] ?? 0;
      assert.ok(
        (alone?.latency_us.p50 ?? 0) < 1_000 * (1 + ping),
        `a hit in L3, where a PING takes ${ping} ms`,
      );
      assert.ok(bus.lag_ms.p50 < 50, 'an invalidation reaches all in less than 50 ms');
      assert.equal(
        new Set([bus, other].flatMap(({ instances }) => instances.map(({ name }) => name))).size,
        3,
      );
      const metrics = (await send(`${one.url}/metrics`)).body.toString();
      assert.match(metrics, /^reprise_bus_published_total 100$/m);
      assert.match(metrics, /^reprise_instances\{version="[^"]+"\} 3$/m);
      assert.match(metrics, /^reprise_level_up\{level="l3"\} 1$/m);
      assert.doesNotMatch(metrics, /^reprise_level_bytes\{level="l3"\}/m);
    });
  });

async function levelsOf(url: string): Promise<Levels> {
  return JSON.parse((await send(`${url}/monitoring/cache/levels`)).body.toString());
}

interface Levels {
  readonly levels: readonly {
    readonly level: string;
    readonly kind: string;
    readonly hits: number;
    readonly max_bytes: number | null;
    readonly latency_us: Readonly<Record<'p50' | 'p99', number>>;
  }[];
  readonly bus: {
    readonly published: number;
    readonly applied: number;
    readonly waiting: number;
    readonly gaps: number;
    readonly lag_ms: Readonly<Record<'p50' | 'p99' | 'count', number>>;
    readonly instances: readonly { readonly name: string }[];
  };
}
