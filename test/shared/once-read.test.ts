import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { onceRead } from '../../src/shared/once-read.ts';

it('takes what came in one turn of the event loop together and in order, and none in the turn itself', async () => {
  const taken: number[] = [];
  const take = onceRead<number>((item) => {
    taken.push(item);
    // What comes of taking is of the next turn: nobody who waits already has to wait for it.
    if (item === 1) take(4);
  });
  take(1);
  take(2);
  await Promise.resolve();
  take(3);
  assert.deepEqual(taken, []);
  await turn();
  assert.deepEqual(taken, [1, 2, 3]);
  await turn();
  assert.deepEqual(taken, [1, 2, 3, 4]);
});

it('takes the first of very many before the last has come, and each once', async () => {
  const taken: number[] = [];
  const take = onceRead<number>((item) => taken.push(item));
  const items = Array.from({ length: 1_000 }, (_, at) => at);
  for (const item of items) take(item);
  assert.ok(taken.length > 900, `${taken.length}`);
  await turn();
  assert.deepEqual(taken, items);
});

it('has all take one step before any takes the next', async () => {
  const taken: string[] = [];
  const take = onceRead<number>(
    (item) => taken.push(`find ${item}`),
    (item) => taken.push(`send ${item}`),
  );
  take(1);
  take(2);
  await turn();
  assert.deepEqual(taken, ['find 1', 'find 2', 'send 1', 'send 2']);
});
