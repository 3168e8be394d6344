import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { before, describe, type TestContext, test } from 'node:test';
import { DiskTier } from '../../src/cache/disk.ts';
import { FolderLocked } from '../../src/cache/disk-folder.ts';
import type { Entry } from '../../src/cache/entry.ts';
import { freeBytes } from '../../src/cache/folder-size.ts';
import { levelDb } from '../../src/cache/leveldb.ts';
import { seededRandom } from '../../src/demo/random.ts';
import { ManualClock } from '../support/clock.ts';
import { cut, files, flipBits } from '../support/damage.ts';
import { until, within } from '../support/deadline.ts';
import { indexed, openDisk } from '../support/disk.ts';
import { sampleEntry } from '../support/entries.ts';
import { tempFolder } from '../support/folder.ts';

const clock = new ManualClock();
const random = seededRandom(20);
const entries: readonly Entry[] = Array.from({ length: 1_500 }, (_, at) => {
  const body = Buffer.from(Array.from({ length: 6_000 }, () => Math.floor(random() * 256)));
  return sampleEntry(`entry ${at}`, { born: clock.now(), form: 'vector', body });
});
const intact = join(tempFolder(), 'l2');

/** What came of a damaged folder. */
interface Outcome {
  readonly found: number;
  readonly said: readonly string[];
}

/**
 * Damages a copy of the folder, opens it, reads everything, and writes and reads it all once more: nothing found may be
 * wrong, and the tier must work as if it were new.
 */
async function survive(t: TestContext, damage: (folder: string) => void): Promise<Outcome> {
  const folder = join(tempFolder(), 'l2');
  cpSync(intact, folder, { recursive: true });
  damage(folder);
  const said: string[] = [];
  const notify = (text: string) => void said.push(text);
  const time = new ManualClock(clock.now());
  const tier = await openDisk(t, { folder, clock: time, notify });
  const found = await count(tier);
  await until(() => tick(time, tier), 'the tier to be well');
  const later = await count(tier);
  assert.ok(later <= entries.length);
  for (const entry of entries) tier.set(entry);
  await tier.flush();
  assert.equal(await count(tier), entries.length);
  assert.equal(tier.health().state, 'ok');
  await tier.close();
  const again = await openDisk(t, { folder, clock: time, notify });
  assert.equal(await count(again), entries.length, 'after another restart');
  return { found, said };
}

/** Lets a second pass, so that an outage under way ends. */
function tick(time: ManualClock, tier: DiskTier): boolean {
  time.advance(1_000);
  return tier.health().state === 'ok';
}

/** How many entries are found. Every one of them must be right. */
async function count(tier: DiskTier): Promise<number> {
  let found = 0;
  for (const entry of entries) {
    const read = await tier.get(entry.key.id);
    if (read === undefined) continue;
    assert.deepEqual(read, entry);
    found++;
  }
  const many = await tier.getMany(entries.map(({ key }) => key.id));
  for (const entry of entries) {
    const read = many.get(entry.key.id);
    if (read !== undefined) assert.ok(read.payload.body.equals(entry.payload.body));
  }
  return found;
}

function largest(folder: string): string {
  const tables = files(folder, /\.ldb$/);
  return tables.toSorted((one, other) => statSync(other).size - statSync(one).size)[0] ?? '';
}

describe('a damaged disk serves nothing wrong, and opens', () => {
  before(async () => {
    const tier = await DiskTier.open({
      folder: intact,
      maxBytes: 50_000_000,
      codec: 'none',
      maxEntry: 1_000_000,
      clock,
      notify: assert.fail,
    });
    for (const [at, entry] of entries.entries()) {
      tier.set(entry);
      if (at % 300 === 0) await tier.flush();
    }
    await tier.close();
    // Opening removes what a compaction has left behind.
    await (await levelDb.open(intact, { createIfMissing: false, writeBuffer: 4e6, tableSize: 2e6 })).close();
  });

  test('with bits flipped in all its tables, any of which might end the process in LevelDB', async (t) => {
    const { found, said } = await survive(t, (folder) => {
      for (const file of files(folder, /\.ldb$/)) flipBits(file, 20, random);
    });
    assert.ok(found < entries.length / 2, `${found} found`);
    assert.match(said.join(), /damaged: \d+\.ldb.*: repairing/);
  });

  test('with one bit flipped in one table, of which it loses no more than that', async (t) => {
    const { found } = await survive(t, (folder) => flipBits(largest(folder), 1, random));
    assert.ok(found > 0 && found < entries.length, `${found} found`);
  });

  test('with a bit flipped in a record while it is open', async (t) => {
    const folder = join(tempFolder(), 'l2');
    cpSync(intact, folder, { recursive: true });
    const tier = await openDisk(t, { folder, clock });
    await indexed(tier, entries.length);
    const table = largest(folder);
    const bytes = readFileSync(table);
    const hit = entries.filter(({ payload }) => bytes.includes(payload.body)).slice(0, 10);
    const file = await open(table, 'r+');
    for (const { payload } of hit) {
      const at = bytes.indexOf(payload.body) + 3_000;
      await file.write(Buffer.of(bytes.readUInt8(at) ^ 4), 0, 1, at);
    }
    await file.close();
    for (const { key } of hit) assert.equal(await tier.get(key.id), undefined);
    assert.deepEqual([hit.length, tier.figures().faults], [10, 10]);
    assert.equal(await count(tier), entries.length - 10);
    for (const entry of hit) tier.set(entry);
    await tier.flush();
    assert.equal(await count(tier), entries.length);
  });

  test('with a table cut short', async (t) => {
    const { found } = await survive(t, (folder) => cut(largest(folder), 0.5));
    assert.ok(found < entries.length);
  });

  test('with every table cut short', async (t) => {
    await survive(t, (folder) => {
      for (const file of files(folder, /\.ldb$/)) cut(file, 0.7);
    });
  });

  test('with a table missing, by repair', async (t) => {
    const { found, said } = await survive(t, (folder) => rmSync(files(folder, /\.ldb$/)[0] ?? ''));
    assert.ok(found > 0 && found < entries.length, `${found} found`);
    assert.ok(
      said.some((text) => text.includes('repairing')),
      said.join(),
    );
  });

  test('with half of its manifest', async (t) => {
    await survive(t, (folder) => cut(files(folder, /^MANIFEST/)[0] ?? '', 0.5));
  });

  test('with an empty manifest', async (t) => {
    await survive(t, (folder) => cut(files(folder, /^MANIFEST/)[0] ?? '', 0));
  });

  test('without its manifest, and has everything back by repair', async (t) => {
    const { found } = await survive(t, (folder) => rmSync(files(folder, /^MANIFEST/)[0] ?? ''));
    assert.equal(found, entries.length);
  });

  test('with an empty CURRENT, and has everything back by repair', async (t) => {
    const { found } = await survive(t, (folder) => writeFileSync(join(folder, 'CURRENT'), ''));
    assert.equal(found, entries.length);
  });

  test('without CURRENT, where LevelDB alone would open an empty database, and has everything back', async (t) => {
    const { found, said } = await survive(t, (folder) => rmSync(join(folder, 'CURRENT')));
    assert.equal(found, entries.length);
    assert.ok(
      said.some((text) => text.includes('repairing')),
      said.join(),
    );
  });

  test('with bits flipped in its log', async (t) => {
    await survive(t, (folder) => {
      for (const file of files(folder, /\.log$/))
        if (readFileSync(file).length > 0) flipBits(file, 5, random);
    });
  });

  test('with noise in every file', async (t) => {
    await survive(t, (folder) => {
      for (const file of files(folder, /^(?:MANIFEST|CURRENT|\d+)/))
        if (readFileSync(file).length > 0) flipBits(file, 200, random);
    });
  });

  test('with nothing but noise in every file', async (t) => {
    const { found } = await survive(t, (folder) => {
      for (const file of files(folder, /^(?:CURRENT|MANIFEST|\d+)/))
        writeFileSync(file, 'noise'.repeat(1_000));
    });
    assert.equal(found, 0);
  });

  test('written by another version, which it sets aside, keeping the latest two of such folders', async (t) => {
    const folder = join(tempFolder(), 'l2');
    for (const day of [1, 2, 3]) {
      const engine = await levelDb.open(folder, {
        createIfMissing: true,
        writeBuffer: 1_000_000,
        tableSize: 2_000_000,
      });
      await engine.write([{ key: Buffer.from('f'), value: Buffer.from('reprise 99') }]);
      await engine.close();
      const said: string[] = [];
      const notify = (text: string) => void said.push(text);
      const tier = await openDisk(t, { folder, notify, clock: new ManualClock(Date.UTC(2026, 0, day)) });
      assert.equal(tier.health().state, 'ok');
      assert.ok(
        said.some((text) => text.includes('quarantine')),
        said.join(),
      );
      await tier.close();
    }
    const names = readdirSync(dirname(folder)).sort();
    assert.deepEqual(names, [
      'l2',
      'l2.quarantine-2026-01-02T00-00-00-000Z',
      'l2.quarantine-2026-01-03T00-00-00-000Z',
    ]);
  });

  test('in use by another process, which is a mistake of the operator and said clearly', async (t) => {
    const folder = join(tempFolder(), 'l2');
    const script = `
      const { levelDb } = await import(${JSON.stringify(new URL('../../src/cache/leveldb.ts', import.meta.url).href)});
      await levelDb.open(${JSON.stringify(folder)}, { createIfMissing: true, writeBuffer: 1e6, tableSize: 2e6 });
      process.stdout.write('open');
      setInterval(() => undefined, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.after(() => child.kill('SIGKILL'));
    await within(once(child.stdout, 'data'), 'the other process', 10_000);
    // LevelDB renames its diary, LOG, before it tries the lock; nothing else may change.
    const contents = () => readdirSync(folder).filter((name) => name !== 'LOG.old');
    const isRefused = async () => {
      const untouched = contents();
      await assert.rejects(openDisk(t, { folder }), (thrown: Error) => {
        assert.ok(thrown instanceof FolderLocked);
        assert.match(thrown.message, /in use by another process/);
        return thrown.message.includes(folder);
      });
      assert.deepEqual(contents(), untouched);
    };
    await isRefused();
    // Nor does it matter that there is no room on the disk to open it: a log takes all that is free, or seems to.
    writeFileSync(join(folder, '999999.log'), '');
    truncateSync(join(folder, '999999.log'), await freeBytes(folder));
    await isRefused();
  });
});
