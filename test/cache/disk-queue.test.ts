import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DiskQueue } from '../../src/cache/disk-queue.ts';
import { chargeOf } from '../../src/cache/entry.ts';
import { idOf, sampleEntry } from '../support/entries.ts';

const entry = (name: string) => sampleEntry(name, { born: 0 });
const id = idOf('a');

/** A queue with room for one entry, in which one waits under an id of which the disk has an older one. */
function queueOfOne(ordersDeletion: (queue: DiskQueue) => void): DiskQueue {
  const queue = new DiskQueue(chargeOf(entry('a')));
  ordersDeletion(queue);
  return queue;
}

describe('what is to be deleted is deleted, whatever waits in its place', () => {
  for (const [how, ordersDeletion] of [
    [
      'since it was deleted before that came',
      (queue: DiskQueue) => {
        queue.delete(id, true);
        queue.put(entry('a'));
      },
    ],
    [
      'since it was evicted after that had come',
      (queue: DiskQueue) => {
        queue.put(entry('a'));
        queue.erase(id);
      },
    ],
  ] as const) {
    it(`${how}, if that is dropped`, () => {
      const queue = queueOfOne(ordersDeletion);
      assert.deepEqual(queue.put(entry('b')), [id]);
      assert.deepEqual([...queue.take(1_000_000, true).deletions], [id]);
    });

    it(`${how}, if all that waits is given up`, () => {
      const queue = queueOfOne(ordersDeletion);
      assert.deepEqual(queue.dropAll(), [id]);
      assert.deepEqual([...queue.take(1_000_000, false).deletions], [id]);
    });

    it(`${how}, but not if that is written`, () => {
      const queue = queueOfOne(ordersDeletion);
      const { puts, deletions } = queue.take(1_000_000, true);
      assert.deepEqual([[...puts.keys()], [...deletions]], [[id], []]);
      queue.done();
      assert.equal(queue.empty, true);
    });
  }
});
