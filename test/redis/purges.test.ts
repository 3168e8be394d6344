import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { seededRandom } from '../../src/demo/random.ts';
import { until } from '../support/deadline.ts';
import { threads } from '../support/fleet.ts';
import { send } from '../support/http.ts';
import { noRedis, startRedis, type TestRedis } from '../support/redis.ts';
import { startReprise, type TestReprise } from '../support/reprise.ts';
import { startUpstream } from '../support/upstream.ts';

/** Products, calls in all with how many purges Redis must have been away for, and how many are under way at once. */
const PRODUCTS = 12;
const CALLS = [
  { workers: 1, calls: 10_000, alone: 6 },
  // So few may come between outages.
  { workers: 2, calls: 3_000, alone: 0 },
];
const AT_ONCE = 12;

describe('a purge', { skip: noRedis }, () => {
  for (const { workers, calls, alone } of CALLS)
    test(`is never undone by another instance of ${threads(workers)}, whatever comes between: ${calls} calls`, async (t) => {
      const seed = Number(process.env.SEED ?? randomInt(2 ** 31));
      t.diagnostic(`seed ${seed}`);
      const random = seededRandom(seed);
      const pick = (count: number) => Math.floor(random() * count);
      await using redis = await startRedis();
      await using shop = await startShop(random);
      const fleet = await startInstances(redis, shop.origin, workers);
      try {
        /** The least version that each instance may serve of each product. */
        const floors = fleet.map(() => new Array<number>(PRODUCTS).fill(0));
        const counts = { asked: 0, hits: 0, purged: 0, acknowledged: 0, alone: 0, refused: 0 };

        const ask = async () => {
          const [at, product] = [pick(3), pick(PRODUCTS)];
          const floor = floors[at]?.[product] ?? 0;
          const url = fleet[at]?.url;
          const answer = await send(`${url}/catalog/${product}`).catch(() => undefined);
          // It is being restarted.
          if (answer === undefined) {
            counts.refused += 1;
            return;
          }
          counts.asked += 1;
          if (answer.headers.get('x-cache') === 'HIT') counts.hits += 1;
          assert.equal(answer.status, 200);
          const version = Number(answer.json().version);
          const told = `${answer.headers.get('x-cache')} ${answer.headers.get('x-cache-level')}`;
          assert.ok(
            version >= floor,
            `instance ${at} served version ${version} of ${product} and not ${floor}: ${told}`,
          );
        };

        const change = async () => {
          const [at, product] = [pick(3), pick(PRODUCTS)];
          const version = shop.change(product);
          const body = { tags: [`product:${product}`] };
          const instance = fleet[at];
          const answer = await send(`${instance?.url}/cache/invalidate`, {
            body,
            headers: { authorization: undefined },
          }).catch(() => undefined);
          if (answer === undefined) {
            counts.refused += 1;
            return;
          }
          assert.equal(answer.status, 200);
          const { instances } = answer.json() as {
            instances: { shared: boolean; acknowledged: string[] };
          };
          counts.purged += 1;
          const own = floors[at];
          if (own !== undefined) own[product] = Math.max(own[product] ?? 0, version);
          if (!instances.shared) counts.alone += 1;
          if (instances.acknowledged.length === 2) counts.acknowledged += 1;
          for (const [other, { name }] of fleet.entries()) {
            const floor = floors[other];
            if (floor !== undefined && instances.acknowledged.includes(name))
              floor[product] = Math.max(floor[product] ?? 0, version);
          }
        };

        let left = calls;
        let isOver = false;
        const askers = Array.from({ length: AT_ONCE }, async () => {
          while (left > 0) {
            left -= 1;
            await (random() < 0.12 ? change() : ask());
          }
        });
        const chaos = (async () => {
          while (!isOver) {
            await wait(300 + pick(700));
            const dice = random();
            if (dice < 0.3) {
              redis.freeze();
              await wait(pick(600));
              redis.thaw();
            } else if (dice < 0.6) {
              await redis.kill();
              await wait(pick(400));
              await redis.restart();
            } else {
              const at = pick(3);
              await fleet[at]?.stop();
              const again = await start(redis, shop.origin, workers, fleet[at]?.folder ?? '');
              fleet[at] = again;
            }
          }
        })();
        await Promise.all(askers).finally(async () => {
          isOver = true;
          await chaos;
        });
        // In the end all know of everything that anybody was told.
        await until(() => areWell(fleet), 'everybody well', 20_000);
        for (const { url } of fleet) {
          await until(() => isHeardByAll(url), 'an invalidation that all others apply', 20_000);
        }
        const known = Array.from({ length: PRODUCTS }, (_, product) =>
          Math.max(...floors.map((floor) => floor[product] ?? 0)),
        );
        for (const [at, { url }] of fleet.entries()) {
          for (const [product, floor] of known.entries()) {
            const version = Number((await send(`${url}/catalog/${product}`)).json().version);
            assert.ok(
              version >= floor,
              `in the end instance ${at} serves version ${version} of ${product}, not ${floor}`,
            );
          }
        }
        t.diagnostic(JSON.stringify(counts));
        assert.ok(
          counts.hits > counts.asked / 4 && counts.acknowledged > 50 && counts.alone >= alone,
          JSON.stringify(counts),
        );
      } finally {
        for (const instance of fleet) {
          await instance.stop();
          await rm(instance.folder, { recursive: true, force: true });
        }
      }
    });
});

async function startInstances(redis: TestRedis, origin: string, workers: number): Promise<Instance[]> {
  const fleet: Instance[] = [];
  for (let at = 0; at < 3; at += 1) {
    fleet.push(await start(redis, origin, workers, await mkdtemp(join(tmpdir(), 'reprise-test-'))));
  }
  return fleet;
}

/** An instance, by the name that the others know it by. */
type Instance = TestReprise & { readonly name: string };

async function start(redis: TestRedis, origin: string, workers: number, folder: string): Promise<Instance> {
  const reprise = await startReprise({
    upstream: `${origin}/v1`,
    workers,
    folder,
    profile: {
      redis: { url: redis.url, timeout: '100ms' },
      upstreams: { shop: { base_url: origin } },
      routes: [
        {
          name: 'product',
          match: { method: 'GET', path: '/catalog/{id}' },
          type: 'products',
          upstream: 'shop',
          key: { headers: ['authorization'] },
          tags: ['product:{id}'],
        },
      ],
    },
  });
  const { bus } = await levelsOf(reprise.url);
  return Object.assign(reprise, { name: bus.instances[0]?.name ?? '' });
}

/** A shop whose products change, and whose answers take a while: each says what it was when it was asked. */
async function startShop(random: () => number) {
  const versions = new Array<number>(PRODUCTS).fill(1);
  const upstream = await startUpstream();
  upstream.answer(async ({ path }, response) => {
    const product = Number(path.split('/').at(-1));
    const version = versions[product];
    await wait(Math.floor(random() * 8));
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ product, version }));
  });
  return {
    origin: upstream.origin,
    change(product: number): number {
      const version = (versions[product] ?? 0) + 1;
      versions[product] = version;
      return version;
    },
    [Symbol.asyncDispose]: () => upstream[Symbol.asyncDispose](),
  };
}

async function areWell(fleet: readonly Instance[]): Promise<boolean> {
  const states = fleet.map(async ({ url }) => {
    const { levels, bus } = await levelsOf(url);
    return bus.waiting === 0 && levels.every(({ state }) => state === 'ok');
  });
  return (await Promise.all(states)).every(Boolean);
}

async function isHeardByAll(url: string): Promise<boolean> {
  const { body } = await send(`${url}/cache/invalidate`, {
    body: { tags: ['nothing'] },
    headers: { authorization: undefined },
  });
  const { instances } = JSON.parse(body.toString());
  return instances.shared && instances.acknowledged.length === 2 && instances.missing.length === 0;
}

async function levelsOf(url: string): Promise<Levels> {
  return JSON.parse((await send(`${url}/monitoring/cache/levels`)).body.toString());
}

interface Levels {
  readonly levels: readonly { readonly state: string }[];
  /** This instance comes first. */
  readonly bus: { readonly waiting: number; readonly instances: readonly { readonly name: string }[] };
}
