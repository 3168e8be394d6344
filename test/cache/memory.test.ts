import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { chargeOf } from '../../src/cache/entry.ts';
import { MemoryTier } from '../../src/cache/memory.ts';
import { ManualClock } from '../support/clock.ts';
import { idOf, sampleEntry } from '../support/entries.ts';

describe('memory', () => {
  test('gives up the least recently used entry when there are too many', () => {
    const clock = new ManualClock();
    const memory = new MemoryTier({ maxEntries: 3, maxBytes: 1_000_000 }, clock);
    for (const name of ['a', 'b', 'c']) memory.set(sampleEntry(name, { born: clock.now() }));
    memory.get(idOf('a'));
    memory.peek(idOf('b'));
    memory.set(sampleEntry('d', { born: clock.now() }));
    assert.deepEqual(
      ['a', 'b', 'c', 'd'].map((name) => memory.has(idOf(name))),
      [true, false, true, true],
    );
    assert.equal(memory.figures().evictions, 1);
  });

  test('never exceeds its bytes, and counts them as they come and go', () => {
    const clock = new ManualClock();
    const memory = new MemoryTier({ maxEntries: 1_000, maxBytes: 50_000 }, clock);
    for (let at = 0; at < 200; at++) {
      memory.set(sampleEntry(`entry ${at}`, { born: clock.now(), body: 'x'.repeat((at * 97) % 9_000) }));
      assert.ok(memory.figures().bytes <= 50_000);
    }
    for (let at = 0; at < 200; at++) memory.delete(idOf(`entry ${at}`));
    assert.deepEqual([memory.figures().bytes, memory.figures().entries], [0, 0]);
  });

  test('refuses an entry larger than all of it, and drops the one it would have replaced', () => {
    const clock = new ManualClock();
    const memory = new MemoryTier({ maxEntries: 10, maxBytes: 10_000 }, clock);
    assert.equal(memory.set(sampleEntry('grows', { born: clock.now() })), true);
    assert.equal(memory.set(sampleEntry('grows', { born: clock.now(), body: 'x'.repeat(10_000) })), false);
    assert.equal(memory.get(idOf('grows')), undefined);
    assert.equal(memory.figures().bytes, 0);
  });

  test('charges what an entry costs beside its body', () => {
    const clock = new ManualClock();
    const memory = new MemoryTier({ maxEntries: 10, maxBytes: 100_000 }, clock);
    const entry = sampleEntry('charged', { born: clock.now(), body: '' });
    memory.set(entry);
    assert.equal(memory.figures().bytes, chargeOf(entry));
    assert.ok(memory.figures().bytes > 900);
  });

  test('entries of one batch have their tags in common, and others have their own', () => {
    const clock = new ManualClock();
    const memory = new MemoryTier({ maxEntries: 10, maxBytes: 100_000 }, clock);
    const tagsOf = (name: string, tags: readonly (readonly [string, number])[]) => {
      memory.set({ ...sampleEntry(name, { born: clock.now() }), tags });
      return memory.get(idOf(name))?.tags;
    };
    const one = tagsOf('one', [['a', 1]]);
    assert.equal(tagsOf('another', [['a', 1]]), one);
    const [a1, a2, b1] = [['a', 1] as const, ['a', 2] as const, ['b', 1] as const];
    for (const [at, tags] of [[a2], [b1], [], [a1, b1], [a1]].entries()) {
      assert.deepEqual(tagsOf(`another ${at}`, tags), tags);
    }
    assert.deepEqual(one, [['a', 1]]);
  });
});

test('an entry keeps nothing alive that its texts and bytes were cut out of', () => {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  const used = () => {
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const tier = new MemoryTier({ maxEntries: 1_000, maxBytes: 100_000_000 }, new ManualClock());
  const before = used();
  for (let at = 0; at < 1_000; at += 1) {
    const answer = Buffer.alloc(20_000, `{"model":"gpt-5-mini-2026-03-01","at":${at}} `);
    const text = answer.toString();
    const entry = sampleEntry(`entry ${at}`, {
      born: new ManualClock().now(),
      body: answer.subarray(0, 100),
    });
    const model = text.slice(10, 31);
    const payload = { ...entry.payload, body: answer.subarray(0, 100), facts: { model, tokens: at } };
    tier.set({ ...entry, tags: [[`model:${model}`, 1]], payload });
    assert.deepEqual(tier.get(entry.key.id)?.payload.facts, { model: 'gpt-5-mini-2026-03-01', tokens: at });
  }
  const each = (used() - before) / 1_000;
  assert.equal(tier.figures().entries, 1_000);
  assert.ok(each < 4_000, `${each} bytes`);
});
