import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Subject } from '../../src/cache/mark.ts';
import { Marks } from '../../src/cache/marks.ts';
import { Upkeep } from '../../src/invalidation/upkeep.ts';
import { Stamps } from '../../src/shared/stamps.ts';
import { ManualClock } from '../support/clock.ts';

const MINUTE = 60_000;

/** Upkeep where calls last ten minutes at most, and what the tiers hold is as old as a test says. */
function upkeep(
  oldest: () => number | Promise<number> = () => Number.POSITIVE_INFINITY,
  isListed = () => true,
) {
  const clock = new ManualClock();
  const stamps = new Stamps(clock);
  const marks = new Marks();
  const tended = new Upkeep({
    store: { sweep: async () => {} },
    invalidations: { sweep: async () => oldest() },
    marks,
    stamps,
    clock,
    isListed,
    longestMs: 10 * MINUTE,
  });
  const purge = (tag: string) =>
    marks.add({ condition: { tags: [tag] }, effect: 'purge', stamp: stamps.next() });
  return { clock, stamps, marks, purge, tended };
}

/** A fetch that begins now. */
function fetchOf(stamps: Stamps): Subject {
  const stamp = stamps.next();
  return { key: { id: 'a', shown: 'products/default/m/a', type: 'products' }, stamp, tags: [['a', stamp]] };
}

describe('marks retire', () => {
  it('when neither a tier nor anything on its way has something older', async () => {
    const { clock, marks, purge, tended } = upkeep();
    purge('a');
    for (let minute = 0; minute < 10; minute += 1) {
      await tended.run();
      assert.equal(marks.size, 1, `after ${minute} minutes`);
      clock.advance(MINUTE);
    }
    await tended.run();
    clock.advance(MINUTE);
    await tended.run();
    assert.equal(marks.size, 0);
  });

  it('never before what a tier holds is gone, nor while it is not known what a tier holds', async () => {
    let oldest = 1;
    let isListed = false;
    const { clock, marks, purge, tended } = upkeep(
      () => oldest,
      () => isListed,
    );
    purge('a');
    for (const [holds, listed, left] of [
      [1, true, 1],
      [Number.POSITIVE_INFINITY, false, 1],
      [Number.POSITIVE_INFINITY, true, 0],
    ] as const) {
      oldest = holds;
      isListed = listed;
      for (let minute = 0; minute < 30; minute += 1) {
        await tended.run();
        clock.advance(MINUTE);
      }
      assert.equal(marks.size, left);
    }
  });

  it('never for a disk that comes back while what lies there is looked through: that may have been too late to be met', async () => {
    let isListed = false;
    let holds = 1;
    const { clock, marks, purge, tended } = upkeep(
      () => {
        const met = isListed ? holds : Number.POSITIVE_INFINITY;
        isListed = true;
        return met;
      },
      () => isListed,
    );
    purge('a');
    for (const [listed, held, left] of [
      [false, 1, 1],
      [false, 1, 1],
      [true, 1, 1],
      [true, Number.POSITIVE_INFINITY, 1],
      [true, Number.POSITIVE_INFINITY, 0],
    ] as const) {
      isListed = listed;
      holds = held;
      await tended.run();
      assert.equal(marks.size, left);
      clock.advance(20 * MINUTE);
    }
  });

  it('never by walks that are under way at the same time, of which one is enough', async () => {
    const gate = Promise.withResolvers<void>();
    let walks = 0;
    const { clock, marks, purge, tended } = upkeep(async () => {
      walks += 1;
      if (walks > 1) await gate.promise;
      return Number.POSITIVE_INFINITY;
    });
    purge('a');
    await tended.run();
    clock.advance(20 * MINUTE);
    const all = [1, 2, 3].map(() => tended.run());
    await new Promise(setImmediate);
    assert.equal(walks, 2);
    gate.resolve();
    await Promise.all(all);
    await tended.run();
    assert.deepEqual([walks, marks.size], [3, 0]);
  });

  it('never for being met nowhere once: it may be between two tiers', async () => {
    const walks = [1, 1, Number.POSITIVE_INFINITY, 1, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    let walk = 0;
    const { clock, marks, purge, tended } = upkeep(() => walks[walk] ?? assert.fail());
    purge('a');
    const left: number[] = [];
    for (; walk < walks.length; walk += 1) {
      await tended.run();
      left.push(marks.size);
      clock.advance(20 * MINUTE);
    }
    assert.deepEqual(left, [1, 1, 1, 1, 1, 0]);
  });

  for (const [how, jumpMs] of [
    ['forward by a year', 365 * 24 * 60 * MINUTE],
    ['back by a year', -365 * 24 * 60 * MINUTE],
  ] as const) {
    it(`never while a call that began before them is on its way, also when the clock is set ${how}`, async () => {
      const { clock, stamps, marks, purge, tended } = upkeep();
      await tended.run();
      const fetched = fetchOf(stamps);
      purge('a');
      clock.setWall(clock.now() + jumpMs);
      for (let minute = 0; minute < 10; minute += 1) {
        await tended.run();
        assert.equal(marks.standing({ ...fetched }), 'purged', `after ${minute} minutes`);
        clock.advance(MINUTE);
      }
    });
  }
});
