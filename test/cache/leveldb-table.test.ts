import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { type EngineOptions, levelDb } from '../../src/cache/leveldb.ts';
import { damagedAmong } from '../../src/cache/leveldb-table.ts';
import { tablesIn } from '../../src/cache/vouched-tables.ts';
import { tempFolder } from '../support/folder.ts';

const OPTIONS: EngineOptions = { createIfMissing: true, writeBuffer: 70_000, tableSize: 2_000_000 };
const folder = tempFolder();

/** The names and bytes of all tables that LevelDB has written. */
function tables(): [name: string, bytes: Buffer][] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.ldb'));
  return names.map((name) => [name, readFileSync(join(folder, name))]);
}

async function damagedTables(): Promise<readonly string[]> {
  return await damagedAmong(await tablesIn(folder), folder);
}

describe('a table of LevelDB', () => {
  before(async () => {
    const engine = await levelDb.open(folder, OPTIONS);
    for (let at = 0; at < 90; at += 1)
      await engine.write([{ key: Buffer.from(`key ${at}`), value: Buffer.alloc(1_000, `${at} `) }]);
    await engine.compact();
    await engine.close();
    assert.ok(tables().length > 0);
  });

  test('is sound as it was written', async () => {
    assert.deepEqual(await damagedTables(), []);
  });

  test('is damaged whichever byte of its blocks has changed, or of where they are said to be', async () => {
    for (const [name, bytes] of tables()) {
      // The footer's last bytes are padding and the mark by which a table is known to have an end.
      const used = bytes.length - 48 + 6;
      for (let at = 0; at < used; at += at < used - 500 ? 37 : 1) {
        const damaged = Buffer.from(bytes);
        damaged.writeUInt8(bytes.readUInt8(at) ^ (1 << (at % 8)), at);
        writeFileSync(join(folder, name), damaged);
        assert.deepEqual(await damagedTables(), [name], `byte ${at} of ${bytes.length}`);
      }
      writeFileSync(join(folder, name), bytes);
    }
  });

  test('without its end is for LevelDB to find: it may only have been under way', async () => {
    for (const [name, bytes] of tables()) {
      for (const length of [0, 10, 47, 48, Math.floor(bytes.length / 2), bytes.length - 1]) {
        writeFileSync(join(folder, name), bytes.subarray(0, length));
        assert.deepEqual(await damagedTables(), []);
      }
      writeFileSync(join(folder, name), bytes);
    }
  });

  test('that is damaged keeps its database from being opened, and goes with repair, alone', async () => {
    const [first] = tables();
    assert.ok(first);
    const [name, bytes] = first;
    bytes.writeUInt8(bytes.readUInt8(300) ^ 1, 300);
    writeFileSync(join(folder, name), bytes);
    await assert.rejects(levelDb.open(folder, OPTIONS), { message: `damaged: ${name}` });
    await levelDb.repair(folder);
    const engine = await levelDb.open(folder, OPTIONS);
    assert.equal(engine.getSync(Buffer.from('key 0')), undefined);
    await engine.close();
  });
});
