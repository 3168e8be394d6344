import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pieces } from '../../src/shared/pieces.ts';

test('pieces come back as one, in order, and a single one as it came', () => {
  const pieces = new Pieces();
  assert.equal(pieces.empty, true);
  assert.equal(pieces.take().length, 0);
  for (const count of [1, 2, 999, 1_000, 1_001, 5_432]) {
    const sent = Array.from({ length: count }, (_, at) => Buffer.from(`${at} `));
    for (const piece of sent) pieces.push(piece);
    assert.equal(pieces.empty, false);
    assert.deepEqual(pieces.take(), Buffer.concat(sent));
    assert.equal(pieces.empty, true);
  }
  const only = Buffer.from('only');
  pieces.push(only);
  assert.equal(pieces.take(), only);
  pieces.push(only);
  pieces.clear();
  assert.equal(pieces.empty, true);
});

test('a million bytes, each a piece of its own, take no more than a few megabytes', () => {
  const pieces = new Pieces();
  const before = process.memoryUsage();
  for (let at = 0; at < 1_000_000; at += 1) pieces.push(Buffer.of(at & 0xff));
  const after = process.memoryUsage();
  const grown = after.external + after.heapUsed - before.external - before.heapUsed;
  // Without being put together they take 100 MB; some of what is let go of is not collected yet.
  assert.ok(grown < 50_000_000, `${grown} bytes`);
  assert.equal(pieces.take().length, 1_000_000);
});
