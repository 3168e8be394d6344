import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RedisConnection } from '../../src/cache/redis-client.ts';
import { RedisAway, RedisLink } from '../../src/cache/redis-link.ts';
import { RedisWrites } from '../../src/cache/redis-writes.ts';
import { SharedMarks } from '../../src/cache/shared-marks.ts';
import { ManualClock } from '../support/clock.ts';

/** A link that is not open, and what would write over it. */
function away() {
  const clock = new ManualClock();
  const link = new RedisLink({
    clock,
    timeoutMs: 50,
    greet: async () => {},
    onChange: () => {},
    connect: () => Promise.reject<RedisConnection>(new Error('away')),
  });
  const keyOf = () => undefined;
  const shared = new SharedMarks();
  return { link, writes: new RedisWrites({ link, shared, clock, codec: 'none', maxRecord: 1_000, keyOf }) };
}

test('deletions are owed to a Redis that is away; of too many everything is, until it has been cleared', async () => {
  const { writes } = away();
  for (let at = 0; at < 100_000; at += 1) writes.delete(`${at}`);
  await writes.done();
  assert.equal(writes.resume(), true);
  await writes.done();
  writes.delete('one more');
  await writes.done();
  assert.equal(writes.resume(), false);
  await writes.done();
  // It failed while it was cleared.
  assert.equal(writes.resume(), false);
  await writes.done();
  writes.cleared();
  assert.equal(writes.resume(), true);
  await writes.done();
});

test('nothing is said to be scanned where nothing can be asked', async () => {
  const { link } = away();
  await assert.rejects(
    link.scan('reprise:', async () => {}),
    RedisAway,
  );
});
