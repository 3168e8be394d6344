import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { describe, test } from 'node:test';
import { MinHeap } from '../../src/cache/min-heap.ts';
import { seededRandom } from '../../src/demo/random.ts';

interface Item {
  rank: number;
  place: number;
}

describe('a heap', () => {
  test('always gives the lowest rank first, while items come, go and sink', (t) => {
    const seed = randomInt(2 ** 31);
    t.diagnostic(`seed ${seed}`);
    const random = seededRandom(seed);
    const items = new Set<Item>();
    const heap = new MinHeap<Item>(
      (item) => item.rank,
      (item) => item.place,
      (item, place) => {
        item.place = place;
      },
    );
    for (let step = 0; step < 5_000; step++) {
      const any = [...items][Math.floor(random() * items.size)];
      const dice = random();
      if (any === undefined || dice < 0.5) {
        const item = { rank: Math.floor(random() * 100), place: -1 };
        items.add(item);
        heap.add(item);
      } else if (dice < 0.8) {
        items.delete(any);
        heap.remove(any);
      } else {
        any.rank += Math.floor(random() * 50);
        heap.sink(any);
      }
      const lowest = items.size === 0 ? undefined : Math.min(...[...items].map(({ rank }) => rank));
      assert.equal(heap.first?.rank, lowest, `seed ${seed}, step ${step}`);
      if (items.size > 200) items.clear();
      if (items.size === 0) while (heap.first !== undefined) heap.remove(heap.first);
    }
  });
});
