import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { ownCell, SharedCells } from '../../src/shared/cell.ts';
import { within } from '../support/deadline.ts';

const VALUES = [0, -1, 0.1, 1.5e300, Number.NEGATIVE_INFINITY, Number.MAX_SAFE_INTEGER];

for (const [name, cellOf] of [
  ['of one thread', ownCell],
  ['that threads share', (value: number) => SharedCells.of([7, value]).at(1)],
] as const) {
  test(`a cell ${name} keeps every number exactly, and swaps what is still there`, () => {
    for (const value of VALUES) {
      const cell = cellOf(value);
      assert.equal(cell.get(), value);
      assert.equal(cell.swap(value + 1 === value ? 3 : value + 1, 5), false);
      assert.equal(cell.swap(value, 5), true);
      assert.equal(cell.get(), 5);
      cell.set(value);
      assert.equal(cell.get(), value);
    }
  });
}

test('threads that count with one cell give no stamp twice, and each its own in rising order', async () => {
  const { memory } = SharedCells.of([0]);
  const file = new URL('../support/stamping-thread.ts', import.meta.url);
  const workers = Array.from(
    { length: 3 },
    () => new Worker(file, { workerData: { memory, count: 20_000 } }),
  );
  const given: number[][] = await within(
    Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0])),
    'all stamps',
    20_000,
  );
  assert.equal(new Set(given.flat()).size, 60_000);
  for (const own of given)
    assert.deepEqual(
      own,
      own.toSorted((one, other) => one - other),
    );
});
