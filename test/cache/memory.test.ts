import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
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
});
