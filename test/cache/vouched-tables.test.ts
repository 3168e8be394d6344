import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { DiskTier } from '../../src/cache/disk.ts';
import { type EngineOptions, levelDb } from '../../src/cache/leveldb.ts';
import { tablesIn, unvouchedTables, vouchForTables } from '../../src/cache/vouched-tables.ts';
import { ManualClock } from '../support/clock.ts';
import { files, flipBits } from '../support/damage.ts';
import { sampleEntry } from '../support/entries.ts';
import { tempFolder } from '../support/folder.ts';

const OPTIONS: EngineOptions = { createIfMissing: true, writeBuffer: 70_000, tableSize: 2_000_000 };

/** A database of several tables, closed, and the names of those. */
async function database(vouched: boolean): Promise<{ folder: string; names: readonly string[] }> {
  const folder = tempFolder();
  for (let time = 0; time < 3; time += 1) {
    const engine = await levelDb.open(folder, OPTIONS);
    await engine.write([{ key: Buffer.from(`key ${time}`), value: Buffer.alloc(1_000, time) }]);
    await engine.close(vouched);
  }
  const names = await tablesIn(folder);
  assert.ok(names.length > 1, `${names.length} tables`);
  return { folder, names };
}

describe('the tables of a database', () => {
  test('that was closed in order are vouched for, once', async () => {
    const { folder, names } = await database(true);
    assert.deepEqual(await unvouchedTables(folder), []);
    assert.deepEqual(await unvouchedTables(folder), names);
  });

  test('that was closed because something failed are not', async () => {
    const { folder, names } = await database(false);
    assert.deepEqual(await unvouchedTables(folder), names);
  });

  test('that have been touched since are not, even at the same size and the same time', async () => {
    const { folder, names } = await database(true);
    const [first = '', ...others] = names;
    const path = join(folder, first);
    await vouchForTables(folder);
    writeFileSync(path, readFileSync(path));
    utimesSync(path, new Date(0), new Date(0));
    assert.deepEqual(await unvouchedTables(folder), [first]);
    utimesSync(path, new Date(0), new Date(0));
    await vouchForTables(folder);
    assert.deepEqual(await unvouchedTables(folder), []);
    assert.ok(others.length > 0);
  });

  test('of which the note was cut short are, as far as it goes', async () => {
    const { folder, names } = await database(true);
    const note = join(folder, 'vouched-tables');
    truncateSync(note, readFileSync(note).length - 1);
    assert.deepEqual(await unvouchedTables(folder), names.slice(-1));
  });

  test('are not where no note can be written, which is no failure', async () => {
    const { folder, names } = await database(false);
    await vouchForTables(join(folder, 'absent'));
    assert.deepEqual(await unvouchedTables(folder), names);
  });
});

describe('a tier on disk', () => {
  const clock = new ManualClock();
  const options = (folder: string, said: string[] = []) =>
    ({
      folder,
      maxBytes: 50_000_000,
      codec: 'none',
      maxEntry: 1_000_000,
      clock,
      notify: (message: string) => void said.push(message),
    }) as const;
  const entries = Array.from({ length: 50 }, (_, at) =>
    sampleEntry(`entry ${at}`, { born: clock.now(), body: randomBytes(2_000) }),
  );

  /** A folder with entries in tables, whose tier was closed in order. */
  async function filled(): Promise<string> {
    const folder = join(tempFolder(), 'l2');
    // What is in the log becomes a table when it is opened again.
    for (const some of [entries, []]) {
      const tier = await DiskTier.open(options(folder));
      for (const entry of some) tier.set(entry);
      await tier.close();
    }
    assert.ok((await tablesIn(folder)).length > 0);
    return folder;
  }

  test('that was closed in order opens without a check of its tables, and finds all', async () => {
    const folder = await filled();
    const tier = await DiskTier.open(options(folder));
    for (const entry of entries) assert.deepEqual(await tier.get(entry.key.id), entry);
    await tier.close();
    assert.deepEqual(await unvouchedTables(folder), []);
  });

  test('has its tables checked that are damaged after it was closed, in their place', async () => {
    const folder = await filled();
    for (const file of files(folder, /\.ldb$/)) flipBits(file, 5, () => 0.5);
    const said: string[] = [];
    const tier = await DiskTier.open(options(folder, said));
    assert.match(said.join(), /damaged: \d+\.ldb.*: repairing/);
    await tier.close();
  });

  test('vouches for nothing once it has read something damaged', async () => {
    const folder = await filled();
    const tier = await DiskTier.open(options(folder));
    const [entry] = entries;
    assert.ok(entry);
    const { body } = entry.payload;
    for (const path of files(folder, /\.ldb$/)) {
      const at = readFileSync(path).indexOf(body.subarray(500, 600));
      if (at < 0) continue;
      // In its place: LevelDB has the file in its memory.
      const file = await open(path, 'r+');
      await file.write(Buffer.of(body.readUInt8(500) ^ 1), 0, 1, at);
      await file.close();
    }
    assert.equal(await tier.get(entry.key.id), undefined);
    await tier.close();
    assert.notDeepEqual(await unvouchedTables(folder), []);
  });
});
