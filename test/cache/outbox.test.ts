import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Mark } from '../../src/cache/mark.ts';
import { Outbox } from '../../src/cache/outbox.ts';
import { within } from '../support/deadline.ts';

const mark = (stamp: number): Mark => ({ condition: { tags: [`t${stamp}`] }, effect: 'purge', stamp });
const send = async () => undefined;

test('marks are announced in order, each once, and none is dropped where that fails', async () => {
  const said: string[] = [];
  const numbered: number[] = [];
  let fails = true;
  const outbox = new Outbox({
    numbered: (stamp) => numbered.push(stamp),
    async announce(_send, texts) {
      await new Promise((resolve) => setImmediate(resolve));
      if (fails) throw new Error('away');
      said.push(...texts);
      return said.length;
    },
  });
  const first = outbox.put([mark(1), mark(2)]);
  await outbox.empty(send);
  assert.deepEqual([outbox.size, said.length], [2, 0]);
  await assert.rejects(outbox.emptyOver(send), /away/);
  fails = false;
  const emptying = outbox.empty(send);
  const second = outbox.put([mark(3)]);
  await Promise.all([emptying, outbox.empty(send), outbox.emptyOver(send)]);
  assert.deepEqual(
    said,
    [1, 2, 3].map((stamp) => `purge {"tags":["t${stamp}"]}`),
  );
  assert.deepEqual([await within(first, 'the first'), await within(second, 'the second')], [2, 3]);
  assert.deepEqual(numbered, [2, 3]);
  assert.deepEqual([outbox.size, outbox.sent], [0, 3]);
  assert.equal(await outbox.put([]), undefined);
});
