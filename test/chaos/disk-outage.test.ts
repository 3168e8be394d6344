import assert from 'node:assert/strict';
import { readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { DiskTier } from '../../src/cache/disk.ts';
import { type Engine, type EngineMaker, levelDb } from '../../src/cache/leveldb.ts';
import { ManualClock } from '../support/clock.ts';
import { until } from '../support/deadline.ts';
import { openDisk } from '../support/disk.ts';
import { idOf, sampleEntry } from '../support/entries.ts';
import { tempFolder } from '../support/folder.ts';

/** LevelDB on a disk whose faults are switched on and off. */
class FaultyDisk implements EngineMaker {
  writes = true;
  reads = true;
  /** What scans fail with, if they do. */
  scanFault = '';
  opens = true;
  /** How often it was to be opened. */
  attempts = 0;
  /** Whether writes are refused as they are after a compaction that met damage. */
  damaged = false;
  repairs = 0;

  repair(folder: string): Promise<void> {
    this.repairs++;
    return levelDb.repair(folder);
  }

  async open(folder: string, options: Parameters<EngineMaker['open']>[1]): Promise<Engine> {
    this.attempts++;
    if (!this.opens) throw new Error('IO error: open');
    const inner = await levelDb.open(folder, options);
    const disk = this;
    const check = (works: boolean) => {
      if (!works) throw new Error('IO error: No space left on device');
    };
    return {
      getSync(key) {
        check(disk.reads);
        return inner.getSync(key);
      },
      async getMany(keys) {
        check(disk.reads);
        return inner.getMany(keys);
      },
      async write(changes) {
        check(disk.writes);
        if (disk.damaged)
          throw Object.assign(new Error('Corruption: block contents'), { code: 'LEVEL_CORRUPTION' });
        await inner.write(changes);
      },
      async *scan(from, to, slice) {
        if (disk.scanFault !== '') throw new Error(disk.scanFault);
        yield* inner.scan(from, to, slice);
      },
      keys: (from, to, slice) => inner.keys(from, to, slice),
      compact: () => inner.compact(),
      renew: () => inner.renew(),
      close: () => inner.close(),
    };
  }
}

/** Lets time pass until the tier works again. */
function recovery(tier: DiskTier, clock: ManualClock): Promise<void> {
  return until(() => {
    clock.advance(1_000);
    return tier.health().state === 'ok';
  }, 'the recovery');
}

/** Lets what is under way go on. */
async function turns(): Promise<void> {
  let passed = 0;
  await until(() => passed++ > 20, 'some turns');
}

/** A tier whose index is damaged, in a folder below one of its own, since what is given up is kept beside it; and what it has said. */
async function openUnreadable(t: TestContext, clock: ManualClock) {
  const maker = new FaultyDisk();
  maker.scanFault = 'Corruption: block contents';
  const said: string[] = [];
  const folder = join(tempFolder(), 'l2');
  const tier = await openDisk(t, { clock, folder, maker, notify: (text) => void said.push(text) });
  return { maker, said, tier };
}

function reasonOf(tier: DiskTier): string {
  const health = tier.health();
  return health.state === 'ok' ? 'ok' : health.reason;
}

describe('without a usable disk the tier finds nothing, says so, and comes back when it can', () => {
  test('where a file stands in the way of the folder', async (t) => {
    const clock = new ManualClock();
    const folder = join(tempFolder(), 'l2');
    writeFileSync(folder, 'in the way');
    const tier = await openDisk(t, { folder, clock });
    assert.match(reasonOf(tier), /EEXIST|ENOTDIR/);
    const entry = sampleEntry('lost', { born: clock.now() });
    tier.set(entry);
    assert.equal(await tier.get(entry.key.id), undefined);
    assert.equal((await tier.getMany([entry.key.id])).size, 0);
    await tier.sweep();
    await tier.flush();
    rmSync(folder);
    await recovery(tier, clock);
    tier.set(entry);
    await tier.flush();
    assert.deepEqual(await tier.get(entry.key.id), entry);
    assert.equal(tier.figures().entries, 1);
  });

  test('where the folder cannot be opened at the start', async (t) => {
    const clock = new ManualClock();
    const maker = new FaultyDisk();
    maker.opens = false;
    const tier = await openDisk(t, { clock, maker });
    assert.match(reasonOf(tier), /open/);
    maker.opens = true;
    await recovery(tier, clock);
  });

  test('when writes begin to fail, as on a full disk, and nothing replaced or deleted meanwhile comes back', async (t) => {
    const clock = new ManualClock();
    const maker = new FaultyDisk();
    const said: string[] = [];
    const say = (word: string) => (text: string) => void said.push(`${word}: ${text}`);
    const told = { notify: say('degraded'), recovered: say('recovered') };
    const tier = await openDisk(t, { clock, maker, ...told });
    const names = ['kept', 'deleted', 'replaced', 'failed'];
    for (const name of names) tier.set(sampleEntry(name, { born: clock.now(), body: 'old' }));
    await tier.flush();
    maker.writes = false;
    tier.set(sampleEntry('failed', { born: clock.now(), body: 'new' }));
    await tier.flush();
    assert.match(reasonOf(tier), /No space left/);
    assert.equal(await tier.get(idOf('kept')), undefined);
    tier.delete(idOf('deleted'));
    tier.set(sampleEntry('replaced', { born: clock.now(), body: 'new' }));
    clock.advance(15_000);
    maker.writes = true;
    await recovery(tier, clock);
    const found = await tier.getMany(names.map((name) => idOf(name)));
    assert.deepEqual([...found.keys()], [idOf('kept')]);
    await tier.flush();
    assert.equal(tier.figures().entries, 1);
    assert.deepEqual(
      said.map((text) => text.slice(0, 40)),
      ['degraded: running without the disk cache', 'recovered: the disk cache is back'],
    );
    assert.ok(tier.figures().faults > 0);
  });

  test('when it meets damage: it repairs the folder, and gives up the contents if it meets damage in that as well', async (t) => {
    const clock = new ManualClock();
    const folder = join(tempFolder(), 'l2');
    const maker = new FaultyDisk();
    const said: string[] = [];
    const tier = await openDisk(t, { clock, folder, maker, notify: (text) => void said.push(text) });
    const entry = sampleEntry('entry', { born: clock.now() });
    const meetDamage = async () => {
      tier.set(entry);
      await tier.flush();
      maker.damaged = true;
      tier.set(sampleEntry('refused', { born: clock.now() }));
      await tier.flush();
      assert.match(reasonOf(tier), /block contents/);
      maker.damaged = false;
      await recovery(tier, clock);
    };
    await meetDamage();
    assert.equal(maker.repairs, 1);
    assert.deepEqual(await tier.get(entry.key.id), entry);
    await meetDamage();
    assert.equal(maker.repairs, 1);
    assert.ok(
      said.some((text) => text.includes('starting empty')),
      said.join(),
    );
    assert.equal(await tier.get(entry.key.id), undefined);
  });

  test('when its folder disappears', async (t) => {
    const clock = new ManualClock();
    const folder = join(tempFolder(), 'l2');
    const tier = await openDisk(t, { folder, clock });
    tier.set(sampleEntry('before', { born: clock.now() }));
    await tier.flush();
    rmSync(folder, { recursive: true });
    clock.advance(5_000);
    tier.set(sampleEntry('after', { born: clock.now() }));
    await tier.flush();
    assert.match(reasonOf(tier), /ENOENT/);
    assert.equal(await tier.get(idOf('before')), undefined);
    await recovery(tier, clock);
    assert.ok(readdirSync(folder).includes('CURRENT'));
    assert.equal(await tier.get(idOf('before')), undefined);
    const entry = sampleEntry('after', { born: clock.now() });
    tier.set(entry);
    await tier.flush();
    assert.deepEqual(await tier.get(entry.key.id), entry);
  });

  test('when another folder is put in the place of its own, as by a restore of a backup', async (t) => {
    const clock = new ManualClock();
    const folder = join(tempFolder(), 'l2');
    const backup = await openDisk(t, { folder, clock });
    const entry = sampleEntry('restored', { born: clock.now() });
    backup.set(entry);
    await backup.close();
    renameSync(folder, `${folder}.backup`);
    const tier = await openDisk(t, { folder, clock });
    renameSync(folder, `${folder}.old`);
    renameSync(`${folder}.backup`, folder);
    clock.advance(1_000);
    await tier.sweep();
    tier.set(sampleEntry('other', { born: clock.now() }));
    await tier.flush();
    assert.match(reasonOf(tier), /another folder/);
    await recovery(tier, clock);
    assert.deepEqual(await tier.get(entry.key.id), entry);
  });

  test('when reads fail: each is a miss and a fault, and the records are found again later', async (t) => {
    const clock = new ManualClock();
    const maker = new FaultyDisk();
    const tier = await openDisk(t, { clock, maker });
    const entries = ['1', '2'].map((name) => sampleEntry(name, { born: clock.now() }));
    for (const entry of entries) tier.set(entry);
    await tier.flush();
    maker.reads = false;
    for (const { key } of entries) assert.equal(await tier.get(key.id), undefined);
    assert.equal((await tier.getMany(entries.map(({ key }) => key.id))).size, 0);
    assert.equal(tier.figures().faults, 3);
    maker.reads = true;
    for (const entry of entries) assert.deepEqual(await tier.get(entry.key.id), entry);
  });

  test('when its index cannot be read: it repairs the folder, and gives up the contents if that does not help', async (t) => {
    const clock = new ManualClock();
    const { maker, said, tier } = await openUnreadable(t, clock);
    await until(() => {
      clock.advance(1_000);
      return said.some((text) => text.includes('starting empty'));
    }, 'the quarantine');
    maker.scanFault = '';
    await recovery(tier, clock);
    const entry = sampleEntry('anew', { born: clock.now() });
    await until(() => {
      tier.set(entry);
      return tier.get(entry.key.id) === entry;
    }, 'a write');
  });

  test('when its index cannot be read for want of descriptors: that says nothing of the contents, which stay', async (t) => {
    const clock = new ManualClock();
    const folder = join(tempFolder(), 'l2');
    const entry = sampleEntry('entry', { born: clock.now() });
    const first = await openDisk(t, { clock, folder });
    first.set(entry);
    await first.close();
    const maker = new FaultyDisk();
    maker.scanFault = 'IO error: 000005.ldb: Too many open files';
    const tier = await openDisk(t, { clock, folder, maker });
    await until(() => tier.figures().faults === 1, 'the outage');
    for (let round = 2; round < 5; round++) {
      clock.advance(15_000);
      await until(() => tier.figures().faults === round, 'another attempt');
    }
    assert.match(reasonOf(tier), /Too many open files/);
    maker.scanFault = '';
    await recovery(tier, clock);
    assert.deepEqual(await tier.get(entry.key.id), entry);
    assert.equal(maker.repairs, 0);
    assert.deepEqual(readdirSync(join(folder, '..')), ['l2']);
  });

  test('where the folder does not open, which is tried every 15 seconds also if its contents are to be given up', async (t) => {
    const clock = new ManualClock();
    const maker = new FaultyDisk();
    maker.opens = false;
    const tier = await openDisk(t, { clock, maker });
    for (let at = 0; at < 100_010; at++) tier.delete(idOf(`entry ${at}`));
    clock.advance(15_000);
    await until(() => maker.attempts === 2, 'the second attempt');
    clock.advance(14_999);
    await turns();
    assert.equal(maker.attempts, 2);
    clock.advance(1);
    await until(() => maker.attempts === 3, 'the third attempt');
  });

  test('where what was begun anew is no better than what was given up, which is tried every 15 seconds, too', async (t) => {
    const clock = new ManualClock();
    const { maker, said, tier } = await openUnreadable(t, clock);
    const emptied = () => said.filter((text) => text.includes('starting empty')).length;
    await until(() => {
      clock.advance(0);
      return emptied() === 1 && tier.figures().faults === 3;
    }, 'an empty folder that is no better');
    const { attempts } = maker;
    clock.advance(14_999);
    await turns();
    assert.equal(maker.attempts, attempts);
    clock.advance(1);
    await until(() => emptied() === 2, 'the next attempt');
  });

  test('and tells of each outage, also of one that is like the last', async (t) => {
    const clock = new ManualClock();
    const folder = join(tempFolder(), 'l2');
    const said: string[] = [];
    const say = (word: string) => () => void said.push(word);
    const tier = await openDisk(t, { folder, clock, notify: say('out'), recovered: say('back') });
    for (let round = 0; round < 2; round++) {
      rmSync(folder, { recursive: true });
      clock.advance(5_000);
      tier.set(sampleEntry('after', { born: clock.now() }));
      await tier.flush();
      await recovery(tier, clock);
    }
    assert.deepEqual(said, ['out', 'back', 'out', 'back']);
  });

  test('with more deletions owed than it remembers: rather than let one come back it gives up the contents', async (t) => {
    const clock = new ManualClock();
    const folder = join(tempFolder(), 'l2');
    const first = await openDisk(t, { clock, folder });
    const entries = Array.from({ length: 50 }, (_, at) => sampleEntry(`entry ${at}`, { born: clock.now() }));
    for (const entry of entries) first.set(entry);
    await first.close();
    const maker = new FaultyDisk();
    maker.opens = false;
    const tier = await openDisk(t, { clock, maker, folder });
    for (let at = 0; at < 100_010; at++) tier.delete(idOf(`entry ${at}`));
    maker.opens = true;
    await recovery(tier, clock);
    assert.equal((await tier.getMany(entries.map(({ key }) => key.id))).size, 0);
    assert.equal(readdirSync(join(folder, '..')).length, 2);
  });
});
