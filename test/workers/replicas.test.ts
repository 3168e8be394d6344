import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { UNWATCHED } from '../../src/cache/listed.ts';
import { Store } from '../../src/cache/store.ts';
import { Bulletin } from '../../src/workers/bulletin.ts';
import { type Replicas, take } from '../../src/workers/notices.ts';
import {
  FollowedMarks,
  FollowedMemory,
  PublishedMarks,
  SharedGraves,
  SharedLineage,
  SharedVerifications,
} from '../../src/workers/replicas.ts';
import { ManualClock } from '../support/clock.ts';
import { sampleEntry } from '../support/entries.ts';
import { inherited } from '../support/lineage.ts';

// All in one thread and without a turn of its loop in between: what is told is known at once.
function setUp(t: TestContext) {
  const clock = new ManualClock();
  const address = { name: `replicas ${Math.random()}`, count: new SharedArrayBuffer(4) };
  const hub = new Bulletin(address, () => undefined);
  const thread = () => {
    const bulletin: Bulletin = new Bulletin(address, (notice) => take(notice, replicas));
    const memory = new FollowedMemory(bulletin, { maxEntries: 100, maxBytes: 1_000_000 }, clock, UNWATCHED);
    const replicas: Replicas = {
      memory,
      store: new Store(memory),
      marks: new FollowedMarks(bulletin),
      graves: new SharedGraves(bulletin, clock),
      lineage: new SharedLineage(bulletin, clock),
      verifications: new SharedVerifications(bulletin, 60_000, clock),
    };
    t.after(() => bulletin.close());
    return { ...replicas, bulletin };
  };
  t.after(() => hub.close());
  return { clock, hub, one: thread(), other: thread() };
}

describe('what is told in one thread is known in the others at once', () => {
  it('marks', (t) => {
    const { clock, hub, one } = setUp(t);
    const marks = new PublishedMarks(hub);
    const entry = sampleEntry('a', { born: clock.now(), tags: [['lamp', 5]] });
    assert.equal(one.marks.standing(entry), 'alive');
    marks.add({ condition: { tags: ['lamp'] }, effect: 'purge', stamp: entry.stamp + 10 });
    assert.equal(one.marks.latestTag, entry.stamp + 10);
    assert.equal(one.marks.standing(entry), 'purged');
    assert.equal(marks.latest, entry.stamp + 10);
    marks.retire(entry.stamp + 20);
    assert.equal(one.marks.standing({ ...entry }), 'alive');
  });

  it('that there is a newer version of an entry, or one that says more, and not that there is the same', (t) => {
    const { clock, one, other } = setUp(t);
    const entry = sampleEntry('a', { born: clock.now(), tags: [['lamp', 5]] });
    const { id } = entry.key;
    const post = (stamp: number, tags = entry.tags) =>
      other.bulletin.post({ kind: 'stored', id, stamp, tags });
    one.memory.set(entry);
    post(entry.stamp);
    post(entry.stamp - 1, [['more', 5]]);
    assert.ok(one.memory.get(id));
    post(entry.stamp, [...entry.tags, ['more', 5]]);
    assert.equal(one.memory.get(id), undefined);
    one.memory.set(entry);
    post(entry.stamp + 1);
    assert.equal(one.memory.get(id), undefined);
  });

  it('which entries were removed, and why', (t) => {
    const { clock, one, other } = setUp(t);
    const entry = sampleEntry('a', { born: clock.now() });
    one.memory.set(entry);
    other.graves.note(entry.key.id);
    assert.ok(one.graves.has(entry.key.id));
    assert.equal(one.memory.get(entry.key.id), undefined);
  });

  it('what traces were told', (t) => {
    const { one, other } = setUp(t);
    one.lineage.note('owner', 'trace', [['lamp', 5]]);
    assert.deepEqual(inherited(other.lineage, 'owner', 'trace'), [['lamp', 5]]);
    assert.deepEqual(inherited(one.lineage, 'owner', 'another'), []);
  });

  it('which credentials were taken, and which were not', (t) => {
    const { one, other } = setUp(t);
    one.verifications?.answered('credential', 'realm', 200);
    assert.equal(other.verifications?.holds('credential', 'realm'), true);
    other.verifications?.answered('credential', undefined, 401);
    assert.equal(one.verifications?.holds('credential', 'realm'), false);
  });

  it('what traces were told before it began, which the others hand over', (t) => {
    const { one, other } = setUp(t);
    one.lineage.note('owner', 'trace', [['lamp', 5]]);
    assert.deepEqual(inherited(other.lineage, 'owner', 'trace'), [['lamp', 5]]);
    const records = [...other.lineage.records()];
    const { one: next } = setUp(t);
    assert.deepEqual(inherited(next.lineage, 'owner', 'trace'), []);
    assert.equal(next.lineage.restore(records), true);
    assert.deepEqual(inherited(next.lineage, 'owner', 'trace'), [['lamp', 5]]);
  });
});
