import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { redisKeys } from '../../src/cache/redis-keys.ts';
import { run, type Send } from '../../src/cache/redis-run.ts';
import { NOTE } from '../../src/cache/redis-scripts.ts';
import { SharedMarks } from '../../src/cache/shared-marks.ts';
import { SharedTraces } from '../../src/cache/shared-traces.ts';
import { Stamps } from '../../src/shared/stamps.ts';
import { ManualClock } from '../support/clock.ts';
import { until } from '../support/deadline.ts';
import { noRedis, startRedis, type TestRedis } from '../support/redis.ts';

const keys = redisKeys('test');

/** The traces of one instance, which reaches Redis or not. */
function tracesOn(redis: TestRedis) {
  const clock = new ManualClock();
  const stamps = new Stamps(clock);
  const shared = new SharedMarks();
  shared.begin('e1');
  shared.applied(0, stamps.next(), { seq: 1_000 });
  let isAway = false;
  const send: Send = async (_key, command) => {
    if (isAway) throw new Error('away');
    return await redis.ask(...command);
  };
  const options = { ask: send, tell: send, keys, shared, stamps, clock, timeoutMs: 50 };
  const traces = new SharedTraces({ ...options, isJoined: () => !isAway });
  const away = (is: boolean) => {
    isAway = is;
  };
  return { traces, clock, stamps, away };
}

describe('what traces were told', { skip: noRedis }, () => {
  test('is nothing that Redis would evict, and is gone when it has had its time', async () => {
    await using redis = await startRedis();
    const send: Send = (_key, command) => redis.ask(...command);
    const note = (id: string, keptMs: number) =>
      run(send, NOTE, [keys.trace('e1', id), keys.traces], [String(keptMs), '10', 'product:1', '7']);
    await note('one', 60_000);
    assert.equal(await redis.ask('TTL', keys.trace('e1', 'one')), -1);
    await wait(30);
    await note('two', 20);
    assert.equal(await redis.ask('EXISTS', keys.trace('e1', 'one')), 0);
    assert.deepEqual(((await redis.ask('ZRANGE', keys.traces, '0', '-1')) as Buffer[]).map(String), [
      keys.trace('e1', 'two'),
    ]);
  });

  test('is told as soon as Redis can be reached again, where it could not be', async () => {
    await using redis = await startRedis();
    const [one, other] = [tracesOn(redis), tracesOn(redis)];
    one.away(true);
    await one.traces.note('t', [['product:1', one.stamps.next()]]);
    assert.equal(await one.traces.told(['t']), undefined);
    assert.deepEqual(await other.traces.told(['t']), []);
    one.away(false);
    one.traces.resume();
    await until(async () => (await other.traces.told(['t']))?.length === 1, 'what the trace was told');
    one.away(true);
    await one.traces.note('late', [['product:2', one.stamps.next()]]);
    one.clock.advance(12 * 60_000);
    one.away(false);
    one.traces.resume();
    await one.traces.note('now', [['product:3', one.stamps.next()]]);
    assert.deepEqual(await other.traces.told(['late']), []);
    assert.equal((await other.traces.told(['now']))?.length, 1);
  });
});
