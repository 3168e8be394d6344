import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Mark } from '../../src/cache/mark.ts';
import { Outbox } from '../../src/cache/outbox.ts';
import { within } from '../support/deadline.ts';

const mark = (stamp: number): Mark => ({ condition: { tags: [`t${stamp}`] }, effect: 'purge', stamp });
const send = async () => undefined;

test('of marks that say the same the last is announced, and its number is that of all', async () => {
  const said: string[] = [];
  const numbered: number[] = [];
  const outbox = new Outbox({
    numbered: (stamp) => numbered.push(stamp),
    async announce(_send, texts) {
      await new Promise((resolve) => setImmediate(resolve));
      said.push(...texts);
      return texts.map((text, at) => [text, 10 + at] as const);
    },
  });
  const again = (stamp: number) => ({ ...mark(1), stamp });
  const puts = [outbox.put([mark(1)]), outbox.put([mark(2)]), outbox.put([again(3)])];
  assert.equal(outbox.size, 2);
  const emptying = outbox.empty(send);
  const late = outbox.put([again(4)]);
  await emptying;
  await outbox.empty(send);
  const [other, same] = [mark(2), mark(1)].map(({ condition }) => `purge ${JSON.stringify(condition)}`);
  assert.deepEqual(said, [other, same, same]);
  assert.deepEqual(numbered, [3, 4]);
  assert.deepEqual(await within(Promise.all(puts), 'the first'), [11, 11, 11]);
  assert.equal(await within(late, 'the last'), 10);
});

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
      return texts.map((text) => [text, said.indexOf(text) + 1] as const);
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
