import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Stamps, stampOf } from '../../src/shared/stamps.ts';
import { ManualClock } from '../support/clock.ts';

describe('stamps', () => {
  it('follow the wall clock', () => {
    const clock = new ManualClock();
    const stamps = new Stamps(clock);
    assert.equal(stamps.next(), stampOf(clock.now()));
    clock.advance(1);
    assert.equal(stamps.next(), stampOf(clock.now()));
  });

  it('rise within a millisecond, thousands of them, and go back to the clock once it is ahead', () => {
    const clock = new ManualClock();
    const stamps = new Stamps(clock);
    let last = 0;
    for (let count = 0; count < 5_000; count += 1) {
      const stamp = stamps.next();
      assert.ok(stamp > last && Number.isSafeInteger(stamp));
      last = stamp;
    }
    clock.advance(5);
    assert.equal(stamps.next(), stampOf(clock.now()));
  });

  it('rise also while the clock is set back, by a second or by a year', () => {
    const clock = new ManualClock();
    const stamps = new Stamps(clock);
    let last = stamps.next();
    for (const backMs of [1, 1_000, 365 * 24 * 3_600_000]) {
      clock.setWall(clock.now() - backMs);
      for (let count = 0; count < 10; count += 1) {
        const stamp = stamps.next();
        assert.equal(stamp, last + 1);
        last = stamp;
      }
    }
  });

  it('are above every stamp seen, and never below the last one for having seen an older one', () => {
    const clock = new ManualClock();
    const stamps = new Stamps(clock);
    const ahead = stampOf(clock.now() + 3_600_000);
    stamps.observe(ahead);
    assert.equal(stamps.last, ahead);
    assert.equal(stamps.next(), ahead + 1);
    stamps.observe(7);
    assert.equal(stamps.last, ahead + 1);
    assert.equal(stamps.next(), ahead + 2);
  });

  it('are exact for two hundred years to come', () => {
    const last = stampOf(Date.UTC(2247, 11, 31));
    assert.ok(Number.isSafeInteger(last + 1) && last + 1 > last);
  });
});
