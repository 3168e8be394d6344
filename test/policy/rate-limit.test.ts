import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RateLimit } from '../../src/policy/rate-limit.ts';
import { ManualClock } from '../support/clock.ts';

test('a burst of as many calls as the rate says goes through, and not one more', () => {
  const limit = new RateLimit({ calls: 3, perMs: 60_000 }, new ManualClock());
  assert.deepEqual(
    [1, 2, 3, 4].map(() => limit.take() === 0),
    [true, true, true, false],
  );
});

test('room comes back at the pace of the rate, and it is said when', () => {
  const clock = new ManualClock();
  const limit = new RateLimit({ calls: 6, perMs: 60_000 }, clock);
  for (let call = 0; call < 6; call += 1) limit.take();
  assert.equal(limit.take(), 10_000);
  clock.advance(4_000);
  assert.equal(limit.take(), 6_000);
  clock.advance(6_000);
  assert.equal(limit.take(), 0);
  assert.equal(limit.take(), 10_000);
});

test('who was away for long gets one burst and no more', () => {
  const clock = new ManualClock();
  const limit = new RateLimit({ calls: 2, perMs: 1000 }, clock);
  clock.advance(3_600_000);
  assert.deepEqual(
    [1, 2, 3].map(() => limit.take() === 0),
    [true, true, false],
  );
});

test('in the long run no more than the rate goes through, however the calls are spaced', () => {
  const clock = new ManualClock();
  const limit = new RateLimit({ calls: 10, perMs: 1000 }, clock);
  let through = 0;
  for (let ms = 0; ms < 100_000; ms += 7) {
    if (limit.take() === 0) through += 1;
    clock.advance(7);
  }
  assert.ok(through >= 1000 && through <= 1010, String(through));
});
