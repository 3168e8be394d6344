import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '../support/deadline.ts';
import { type Fleet, isDegraded, startFleet, threads } from '../support/fleet.ts';
import { chat, type Sent, send } from '../support/http.ts';
import { noRedis, startRedis } from '../support/redis.ts';
import { startRelay } from '../support/redis-relay.ts';

const CHAT = '/v1/chat/completions';
const EMBEDDINGS = '/v1/embeddings';

const TIMEOUT_MS = 1_000;
/** How long each answer takes, once Redis is slow: in time, but not twice. */
const SLOW_MS = 800;
/** What the machine may add. */
const MOST_MS = 1_300;

/** Three instances that reach their Redis over a relay. */
async function startSlowable(workers: number) {
  await using begun = new AsyncDisposableStack();
  const redis = begun.use(await startRedis());
  const relay = begun.use(await startRelay(redis.port));
  const settings = { timeout: `${TIMEOUT_MS}ms` };
  const fleet = begun.use(await startFleet({ workers, redis, url: relay.url, settings }));
  // So that it takes no time to leave.
  begun.defer(() => {
    relay.delayMs = 0;
  });
  await until(() => fleet.isComplete(), 'three instances that know each other');
  const everything = begun.move();
  return { relay, fleet, [Symbol.asyncDispose]: () => everything.disposeAsync() };
}

/** How many milliseconds an answer of the first instance takes. */
async function timed({ instances }: Fleet, path: string, sent: Sent): Promise<number> {
  const began = performance.now();
  const { status } = await send(instances[0].url + path, sent);
  assert.equal(status, 200);
  return performance.now() - began;
}

function batch(...names: string[]): Sent {
  const input = names.flatMap((name) => Array.from({ length: 16 }, (_, at) => `${name} ${at}`));
  return { body: { model: 'e', input }, headers: { 'x-cache-tags': 'product:1' } };
}

for (const workers of [1, 2])
  describe(`nobody waits for a slow Redis longer than once, at instances of ${threads(workers)},`, {
    skip: noRedis,
  }, () => {
    test('also not for a batch of which some is old and some is missing, and after it no batch does at all', async () => {
      await using slowable = await startSlowable(workers);
      const { relay, fleet } = slowable;
      const [one] = fleet.instances;
      for (const name of ['a', 'b', 'c']) await send(one.url + EMBEDDINGS, batch(name));
      await fleet.settled();
      await fleet.control(one, '/cache/invalidate', { tags: ['product:1'], mode: 'expire' });
      relay.delayMs = SLOW_MS;
      const first = await timed(fleet, EMBEDDINGS, batch('a', 'missing'));
      assert.ok(first > SLOW_MS - 100 && first < MOST_MS, `${first} ms`);
      await until(() => isDegraded(fleet), 'somebody who says so');
      const then = await timed(fleet, EMBEDDINGS, batch('also missing'));
      assert.ok(then < SLOW_MS / 2, `${then} ms`);
    });

    test('also not for prose of a trace, which asks for what that was told as well', async () => {
      await using slowable = await startSlowable(workers);
      const { relay, fleet } = slowable;
      relay.delayMs = SLOW_MS;
      const headers = { 'x-cache-trace': 'x', authorization: undefined };
      const took = await timed(fleet, CHAT, { headers, body: chat('slow') });
      assert.ok(took > SLOW_MS - 100 && took < MOST_MS, `${took} ms`);
    });
  });
