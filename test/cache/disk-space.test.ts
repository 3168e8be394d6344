import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { DiskSpace } from '../../src/cache/disk-space.ts';
import { measureFolder } from '../../src/cache/folder-size.ts';
import { levelDb } from '../../src/cache/leveldb.ts';
import { ManualClock } from '../support/clock.ts';
import { until } from '../support/deadline.ts';
import { tempFolder } from '../support/folder.ts';

it('a shortage is over when there is room again, also while nothing is to be written', async (t) => {
  const { clock, space, filler } = await full(t);
  clock.advance(15_000);
  // It has looked, and there is still none.
  await until(() => clock.pending === 1, 'the next look');
  assert.ok(space.shortage !== undefined);
  rmSync(filler);
  clock.advance(15_000);
  await until(() => space.shortage === undefined, 'the end of the shortage');
  assert.equal(clock.pending, 0);
});

it('is looked at no more once it is closed', async (t) => {
  const { clock, space } = await full(t);
  space.close();
  assert.equal(clock.pending, 0);
});

/** A folder with a file in it that leaves no room. */
async function full(t: TestContext) {
  const clock = new ManualClock();
  const folder = tempFolder();
  const tuning = { writeBuffer: 100_000, tableSize: 100_000 };
  const engine = await levelDb.open(folder, { ...tuning, createIfMissing: true });
  t.after(() => engine.close());
  const opened = await measureFolder(folder);
  const space = new DiskSpace({
    folder,
    opened,
    engine,
    maxBytes: 1_000_000,
    writeBuffer: tuning.writeBuffer,
    clock,
  });
  const filler = join(folder, 'filler');
  writeFileSync(filler, Buffer.alloc(5_000_000));
  assert.equal(await space.room(), false);
  assert.match(space.shortage ?? '', /too many for its budget/);
  return { clock, space, filler };
}
