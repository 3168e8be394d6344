import assert from 'node:assert/strict';
import { mkdirSync, statSync } from 'node:fs';
import { truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Journal } from '../../src/cache/journal.ts';
import { Deliveries } from '../../src/invalidation/deliveries.ts';
import { ManualClock } from '../support/clock.ts';
import { tempFolder } from '../support/folder.ts';

const WEEK = 7 * 24 * 3_600_000;

test('of each webhook the last ten thousand are remembered, also after a restart', async () => {
  const path = join(tempFolder(), 'deliveries.journal');
  const clock = new ManualClock();
  const deliveries = await Deliveries.open(path, clock);
  await deliveries.remember('other', 'kept');
  await Promise.all(Array.from({ length: 10_001 }, (_, at) => deliveries.remember('shop', `d${at}`)));
  const check = (from: Deliveries) => {
    assert.equal(from.has('shop', 'd0'), false);
    assert.equal(from.has('shop', 'd1'), true);
    assert.equal(from.has('shop', 'd10000'), true);
    assert.equal(from.has('other', 'kept'), true);
    assert.equal(from.has('other', 'd1'), false);
  };
  check(deliveries);
  await deliveries.close();
  const reopened = await Deliveries.open(path, clock);
  check(reopened);
  await reopened.close();
});

test('what is over a week old is forgotten, in memory and on disk, and the file stays small', async () => {
  const path = join(tempFolder(), 'deliveries.journal');
  const clock = new ManualClock();
  const deliveries = await Deliveries.open(path, clock);
  let largest = 0;
  for (let week = 0; week < 6; week++) {
    await Promise.all(Array.from({ length: 600 }, (_, at) => deliveries.remember('shop', `${week}/${at}`)));
    largest = Math.max(largest, statSync(path).size);
    clock.advance(WEEK);
  }
  assert.equal(deliveries.has('shop', '5/0'), false);
  await deliveries.close();
  assert.ok(largest < 200_000, `${largest} bytes`);
});

test('a delivery that came again is as young as the last time', async () => {
  const clock = new ManualClock();
  const deliveries = await Deliveries.open(undefined, clock);
  await deliveries.remember('shop', 'again');
  clock.advance(WEEK - 1);
  await deliveries.remember('shop', 'again');
  clock.advance(WEEK - 1);
  await deliveries.remember('shop', 'another');
  assert.equal(deliveries.has('shop', 'again'), true);
});

test('of a damaged file what can be read is remembered, and it goes on', async () => {
  const path = join(tempFolder(), 'deliveries.journal');
  const clock = new ManualClock();
  const first = await Deliveries.open(path, clock);
  await first.remember('shop', 'one');
  await first.remember('shop', 'two');
  await first.close();
  await truncate(path, statSync(path).size - 1);
  const second = await Deliveries.open(path, clock);
  assert.deepEqual([second.has('shop', 'one'), second.has('shop', 'two')], [true, false]);
  await second.remember('shop', 'three');
  await second.close();
  const third = await Deliveries.open(path, clock);
  assert.deepEqual([third.has('shop', 'one'), third.has('shop', 'three')], [true, true]);
  await third.close();
});

test('what is not a delivery in it does no harm', async () => {
  const path = join(tempFolder(), 'deliveries.journal');
  const clock = new ManualClock();
  const { journal } = await Journal.open(path);
  await journal.rewrite([
    null,
    7,
    ['shop'],
    ['shop', 'one', 'soon'],
    { shop: 1 },
    ['shop', 'one', clock.now()],
  ]);
  await journal.close();
  const deliveries = await Deliveries.open(path, clock);
  assert.equal(deliveries.has('shop', 'one'), true);
  await deliveries.close();
});

test('after a disk that was full the next delivery is remembered, and those before it', async (t) => {
  const path = join(tempFolder(), 'deliveries.journal');
  const clock = new ManualClock();
  const deliveries = await Deliveries.open(path, clock);
  const full = t.mock.method(Journal.prototype, 'append', () => Promise.reject(new Error('no space left')));
  await assert.rejects(deliveries.remember('shop', 'one'), /no space left/);
  assert.equal(deliveries.has('shop', 'one'), true);
  full.mock.restore();
  await deliveries.remember('shop', 'two');
  await deliveries.close();
  const reopened = await Deliveries.open(path, clock);
  assert.deepEqual([reopened.has('shop', 'one'), reopened.has('shop', 'two')], [true, true]);
  await reopened.close();
});

test('a file that cannot be used is told of', async () => {
  const path = join(tempFolder(), 'deliveries.journal');
  mkdirSync(path);
  await assert.rejects(Deliveries.open(path, new ManualClock()));
});
