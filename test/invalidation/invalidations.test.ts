import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { ALONE } from '../../src/cache/bus.ts';
import { Catalog } from '../../src/cache/catalog.ts';
import type { Condition } from '../../src/cache/condition.ts';
import { listedOf } from '../../src/cache/listed.ts';
import type { Mark } from '../../src/cache/mark.ts';
import { Marks } from '../../src/cache/marks.ts';
import { Invalidations } from '../../src/invalidation/invalidations.ts';
import type { Order } from '../../src/invalidation/invalidator.ts';
import { Background } from '../../src/shared/background.ts';
import { Stamps } from '../../src/shared/stamps.ts';
import { ManualClock } from '../support/clock.ts';
import { sampleEntry } from '../support/entries.ts';

/** A catalogue of so many entries, every tenth with the tag `tenth`, and what carries invalidations out on it. */
function engine(count: number, keep: (marks: readonly Mark[]) => Promise<void> = async () => {}) {
  const clock = new ManualClock();
  const stamps = new Stamps(clock);
  const marks = new Marks();
  const catalog = new Catalog((entry) => marks.standing(entry) !== 'purged');
  const watch = catalog.watch('l1');
  for (let at = 0; at < count; at += 1) {
    const stamp = stamps.next();
    const tags = [...(at % 10 === 0 ? ['tenth'] : []), 'all'].map((tag) => [tag, stamp] as const);
    watch.held(listedOf({ ...sampleEntry(`entry ${at}`, { born: clock.now(), tags }), stamp }));
  }
  const background = new Background((label, message) => assert.fail(`${label}: ${message}`));
  const removed: string[] = [];
  const remove = (id: string) => {
    removed.push(id);
    watch.dropped(id);
  };
  const invalidations = new Invalidations({ stamps, marks, catalog, background, bus: ALONE, keep, remove });
  const order = (condition: Condition | undefined, more: Partial<Order> = {}) =>
    invalidations.invalidate([{ condition, effect: 'purge', by: 'api', dryRun: false, ...more }]);
  return { catalog, marks, background, removed, invalidations, order };
}

describe('carrying out an invalidation', () => {
  it('tells how many were meant and which, marks, and sweeps them behind', async () => {
    const { order, background, catalog, removed } = engine(100);
    const [outcome] = await order({ tags: ['tenth'] });
    assert.ok(outcome);
    assert.match(outcome.id, /^inv_/);
    assert.deepEqual([outcome.matched, outcome.invalidated, outcome.atLeast], [10, 10, false]);
    assert.equal(outcome.sample.length, 10);
    await background.drain();
    assert.equal(removed.length, 10);
    assert.equal(catalog.size, 90);
    assert.equal((await order({ tags: ['tenth'] }))[0]?.matched, 0);
  });

  it('of a dry run tells the same and does nothing', async () => {
    const { order, background, catalog, marks } = engine(100);
    const [outcome] = await order({ patterns: ['chat/**'] }, { dryRun: true });
    assert.deepEqual([outcome?.matched, outcome?.invalidated], [100, 0]);
    await background.drain();
    assert.deepEqual([catalog.size, marks.size], [100, 0]);
  });

  it('that expires invalidates what is not expired yet, and leaves all where it is', async () => {
    const { order, background, catalog } = engine(100);
    for (const [tag, matched, invalidated] of [
      ['tenth', 10, 10],
      ['all', 100, 90],
      ['all', 100, 0],
    ] as const) {
      const [outcome] = await order({ tags: [tag] }, { effect: 'expire' });
      assert.deepEqual([outcome?.matched, outcome?.invalidated], [matched, invalidated]);
    }
    await background.drain();
    assert.equal(catalog.size, 100);
  });

  it('counts to 10,000, and tells twenty of them', async () => {
    const { order } = engine(10_050);
    const [outcome] = await order({ models: ['gpt-x'] }, { dryRun: true });
    assert.deepEqual([outcome?.matched, outcome?.atLeast, outcome?.sample.length], [10_000, true, 20]);
    const [fewer] = await order({ tags: ['tenth'] }, { dryRun: true });
    assert.deepEqual([fewer?.matched, fewer?.atLeast], [1_005, false]);
  });

  it('counts all where it is to be exact, and their bytes', async () => {
    const { order, catalog } = engine(10_050);
    const bytes = [...catalog.meant(undefined)].reduce((sum, listed) => sum + (listed?.size ?? 0), 0);
    const [outcome] = await order(undefined, { exact: true });
    assert.deepEqual([outcome?.matched, outcome?.atLeast, outcome?.bytes], [10_050, false, bytes]);
  });

  it('counts each entry for one of several at the same time', async () => {
    const { order } = engine(2_000);
    const outcomes = await Promise.all([
      order({ tags: ['all'] }),
      order({ patterns: ['chat/**'] }),
      order({ tags: ['tenth'] }),
      order(undefined, { exact: true }),
    ]);
    assert.equal(
      outcomes.flat().reduce((sum, { matched }) => sum + matched, 0),
      2_000,
    );
  });

  it('counts each entry once for orders that come together', async () => {
    const { invalidations } = engine(100);
    const outcomes = await invalidations.invalidate(
      [['tenth'], ['all']].map((tags) => ({
        condition: { tags },
        effect: 'purge',
        by: 'api',
        dryRun: false,
      })),
    );
    assert.deepEqual(
      outcomes.map(({ matched }) => matched),
      [10, 90],
    );
  });

  it('counts what is expired and then purged for both, and what is only tried for neither', async () => {
    const { order } = engine(1_000);
    // A purge at the same time would take from the others what they have not come to yet.
    const together = await Promise.all([
      order({ tags: ['all'] }, { effect: 'expire' }),
      order({ tags: ['all'] }, { dryRun: true }),
    ]);
    const outcomes = [...together, await order({ tags: ['all'] })];
    assert.deepEqual(
      outcomes.map(([outcome]) => outcome?.matched),
      [1_000, 1_000, 1_000],
    );
  });

  it('that fails leaves nothing counted', async () => {
    const { order, catalog } = engine(100);
    const meant = catalog.meant.bind(catalog);
    catalog.meant = function* (condition) {
      yield* meant(condition);
      throw new Error('a defect');
    };
    await assert.rejects(order({ tags: ['all'] }));
    catalog.meant = meant;
    assert.equal((await order({ tags: ['all'] }))[0]?.matched, 100);
  });

  it('counts in memory at once and tells nobody before it is durable', async () => {
    const kept = Promise.withResolvers<void>();
    const { order, marks } = engine(10, () => kept.promise);
    let told = false;
    const ordered = order({ tags: ['all'] }).then(() => {
      told = true;
    });
    await turn();
    assert.equal(marks.size, 1);
    assert.equal(told, false);
    kept.resolve();
    await ordered;
    assert.equal(told, true);
  });

  it('that cannot be made durable is an error, and counts all the same', async () => {
    const { order, marks } = engine(10, () => Promise.reject(new Error('no space left on device')));
    await assert.rejects(order({ tags: ['all'] }), /no space left/);
    assert.equal(marks.size, 1);
  });

  it('looks at no more than it counts, also of what is expired already', async () => {
    const { order, catalog } = engine(30_000);
    await order({ tags: ['all'] }, { effect: 'expire' });
    let looked = 0;
    const meant = catalog.meant.bind(catalog);
    catalog.meant = function* (condition) {
      for (const entry of meant(condition)) {
        looked += 1;
        yield entry;
      }
    };
    const [outcome] = await order({ tags: ['all'] }, { effect: 'expire' });
    assert.deepEqual([outcome?.matched, outcome?.atLeast], [10_000, true]);
    assert.ok(looked <= 10_001, `${looked} entries`);
  });
});
