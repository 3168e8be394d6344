import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Entry } from '../../src/cache/entry.ts';
import { SharedMarks } from '../../src/cache/shared-marks.ts';
import { sampleEntry } from '../support/entries.ts';

const SEQ = 1_700_000_000_000_000;
const HOUR_US = 3_600_000_000;
const tagged = (stamp: number, tagStamp = stamp): Entry => ({
  ...sampleEntry('one', { born: 0 }),
  stamp,
  tags: [['product:1', tagStamp]],
});
const purge = { condition: { tags: ['product:1'] }, effect: 'purge' } as const;

function joined(): SharedMarks {
  const shared = new SharedMarks();
  shared.begin('e1');
  shared.applied(9, 10, { seq: SEQ });
  return shared;
}

describe('the marks that instances share', () => {
  test('judge an entry by what its instance had applied when its fetch began', () => {
    const [writer, reader] = [joined(), joined()];
    const early = writer.toShared(tagged(11));
    writer.add(purge, SEQ + 5);
    writer.applied(19, 20, { seq: SEQ + 5 });
    const late = writer.toShared(tagged(21));
    assert.ok(early && late);
    assert.ok(reader.toLocal(early, 1_000));
    reader.add(purge, SEQ + 5);
    assert.equal(reader.toLocal(early, 1_000), undefined);
    assert.deepEqual(reader.toLocal(late, 1_000), tagged(1_000));
  });

  test('judge an inherited tag by its own moment, however young the entry is', () => {
    const shared = joined();
    shared.add(purge, SEQ + 5);
    shared.applied(19, 20, { seq: SEQ + 5 });
    const prose = shared.toShared(tagged(25, 15));
    assert.ok(prose);
    assert.equal(shared.toLocal(prose, 1_000), undefined);
  });

  test('say nothing of what is older than they know', () => {
    const shared = joined();
    assert.equal(shared.toShared(tagged(10)), undefined);
    assert.equal(shared.toShared(tagged(20, 5)), undefined);
    shared.begin('e2');
    assert.equal(shared.toShared(tagged(20)), undefined);
  });

  test('count own marks from the moment at which they are made, with or without a number', () => {
    const shared = joined();
    const entry = shared.toShared(tagged(11));
    assert.ok(entry);
    shared.owe([{ ...purge, stamp: 15 }]);
    assert.equal(shared.toLocal(entry, 1_000), undefined);
    const other = { ...entry, tags: [] };
    assert.ok(shared.toLocal(other, 1_000));
    shared.add(purge, SEQ + 1);
    shared.numbered(15);
    assert.equal(shared.toLocal(entry, 1_000), undefined);
  });

  test('give nothing that is older than a mark which has been forgotten, however long it may live', () => {
    const shared = joined();
    const old = shared.toShared(tagged(11));
    shared.add(purge, SEQ + 5);
    shared.applied(19, 20, { seq: SEQ + 5 });
    const young = shared.toShared(tagged(21, 21));
    assert.ok(old && young);
    shared.retire(SEQ + 5);
    assert.equal(shared.toLocal(old, 1_000), undefined);
    shared.retire(SEQ + 5 + 2 * HOUR_US);
    assert.equal(shared.toLocal({ ...old }, 1_000), undefined);
    assert.deepEqual(shared.toLocal(young, 1_000), tagged(1_000));
    shared.begin('e2');
    assert.ok(shared.toLocal({ ...old }, 1_000));
  });

  test('use nothing for a fresh entry that is only kept for failing upstreams', () => {
    const shared = joined();
    const entry = shared.toShared(tagged(11));
    assert.ok(entry);
    shared.add({ ...purge, effect: 'expire' }, SEQ + 1);
    assert.equal(shared.toLocal(entry, 1_000), undefined);
  });
});
