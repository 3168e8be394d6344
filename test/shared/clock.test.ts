import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { every, neverBack, systemClock } from '../../src/shared/clock.ts';
import { ManualClock } from '../support/clock.ts';

const HOUR = 3_600_000;

describe('a clock that never goes back', () => {
  it('is the wall clock while nobody sets that', () => {
    const wall = new ManualClock();
    const clock = neverBack(wall);
    for (const ms of [0, 1, 999, HOUR]) {
      wall.advance(ms);
      assert.equal(clock.now(), wall.now());
      assert.equal(clock.elapsed(), wall.elapsed());
    }
  });

  it('goes on evenly when the wall clock is set back', () => {
    const wall = new ManualClock();
    const clock = neverBack(wall);
    const before = clock.now();
    wall.setWall(before - HOUR);
    assert.equal(clock.now(), before);
    wall.advance(1_500);
    assert.equal(clock.now(), before + 1_500);
  });

  it('counts from its beginning on, also if nobody has asked it yet', () => {
    const wall = new ManualClock();
    const before = wall.now();
    const clock = neverBack(wall);
    wall.setWall(before - HOUR);
    assert.equal(clock.now(), before);
  });

  it('follows when it is set forward, and stays ahead when that is taken back', () => {
    const wall = new ManualClock();
    const clock = neverBack(wall);
    const before = clock.now();
    wall.setWall(before + HOUR);
    assert.equal(clock.now(), before + HOUR);
    wall.setWall(before);
    wall.advance(1_000);
    assert.equal(clock.now(), before + HOUR + 1_000);
    wall.setWall(before + 3 * HOUR);
    assert.equal(clock.now(), before + 3 * HOUR);
  });

  it("calls at the wall clock's own moments, which setting it does not move", () => {
    const wall = new ManualClock();
    const called: number[] = [];
    neverBack(wall).after(1_000, () => called.push(wall.elapsed()));
    wall.setWall(wall.now() + HOUR);
    assert.deepEqual(called, []);
    wall.advance(1_000);
    assert.deepEqual(called, [1_000]);
  });

  it('is not put ahead by a pause between its two readings, whichever comes first', () => {
    let ms = 0;
    let pauseMs = 0;
    const read = () => {
      const at = ms;
      ms += pauseMs;
      return at;
    };
    const clock = neverBack({ ...systemClock, now: read, elapsed: read });
    pauseMs = 3;
    clock.now();
    pauseMs = 0;
    assert.equal(clock.now(), ms);
  });

  it("of the machine's own agrees with it to the millisecond, in whole milliseconds", () => {
    const clock = neverBack(systemClock);
    for (let last = 0, at = 0; at < 10_000; at += 1) {
      const [before, now, after] = [Date.now(), clock.now(), Date.now()];
      assert.ok(Number.isInteger(now) && now >= last, `${now} after ${last}`);
      assert.ok(now >= before - 1 && now <= after + 1, `${now} between ${before} and ${after}`);
      last = now;
    }
  });
});

describe('work that is repeated', () => {
  it('is done at each interval until it is cancelled, also by itself', () => {
    const clock = new ManualClock();
    let done = 0;
    const work = every(clock, 1_000, () => {
      done += 1;
      if (done === 3) work.cancel();
    });
    clock.advance(2_999);
    assert.equal(done, 2);
    clock.advance(10_000);
    assert.deepEqual([done, clock.pending], [3, 0]);
  });
});
