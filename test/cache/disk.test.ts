import assert from 'node:assert/strict';
import { randomBytes, randomInt } from 'node:crypto';
import { readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Catalog } from '../../src/cache/catalog.ts';
import { stubKey } from '../../src/cache/disk-keys.ts';
import { chargeOf } from '../../src/cache/entry.ts';
import { type Engine, type EngineMaker, levelDb } from '../../src/cache/leveldb.ts';
import type { Listed } from '../../src/cache/listed.ts';
import { digestOf } from '../../src/cache/record.ts';
import { seededRandom } from '../../src/demo/random.ts';
import { ManualClock } from '../support/clock.ts';
import { until, within } from '../support/deadline.ts';
import { indexed, openDisk } from '../support/disk.ts';
import { idOf, sampleEntry } from '../support/entries.ts';
import { tempFolder } from '../support/folder.ts';

const MB = 1_000_000;

/** An engine whose writes and scans wait until the gate is opened. */
function gatedMaker(what: 'write' | 'scan'): {
  maker: EngineMaker;
  gate: PromiseWithResolvers<void>;
  begun: () => number;
} {
  const gate = Promise.withResolvers<void>();
  let begun = 0;
  const maker: EngineMaker = {
    repair: levelDb.repair,
    async open(folder, options) {
      const inner = await levelDb.open(folder, options);
      const gated: Engine = {
        getSync: (key) => inner.getSync(key),
        getMany: (keys) => inner.getMany(keys),
        async write(changes) {
          const opening = changes.length === 1;
          if (what === 'write' && !opening) {
            begun++;
            await gate.promise;
          }
          await inner.write(changes);
        },
        async *scan(from, to, slice) {
          if (what === 'scan') await gate.promise;
          yield* inner.scan(from, to, slice);
        },
        keys: (from, to, slice) => inner.keys(from, to, slice),
        compact: () => inner.compact(),
        renew: () => inner.renew(),
        close: () => inner.close(),
      };
      return gated;
    },
  };
  return { maker, gate, begun: () => begun };
}

describe('disk', () => {
  test('has everything back after a restart, in a folder of mode 0700', async (t) => {
    const clock = new ManualClock();
    const folder = join(tempFolder(), 'data', 'l2');
    const first = await openDisk(t, { clock, folder });
    const entries = Array.from({ length: 500 }, (_, at) =>
      sampleEntry(`entry ${at}`, { born: clock.now() + at }),
    );
    for (const entry of entries) first.set(entry);
    await first.close();
    assert.equal(statSync(folder).mode & 0o777, 0o700);

    const second = await openDisk(t, { clock, folder, codec: 'zstd' });
    for (const entry of entries) assert.deepEqual(await second.get(entry.key.id), entry);
    await until(() => second.figures().entries === 500, 'the index');
    assert.ok(second.figures().bytes > 500 * 100);
  });

  test('writes by itself soon after, in the background', async (t) => {
    const clock = new ManualClock();
    const tier = await openDisk(t, { clock });
    tier.set(sampleEntry('soon', { born: clock.now() }));
    assert.equal(tier.figures().entries, 0);
    clock.advance(50);
    await until(() => tier.figures().entries === 1, 'the write');
  });

  test('finds records before its index knows them, and does not bring back what was deleted meanwhile', async (t) => {
    const clock = new ManualClock();
    const folder = tempFolder();
    const first = await openDisk(t, { clock, folder });
    const [kept, deleted, replaced] = ['kept', 'deleted', 'replaced'].map((name) =>
      sampleEntry(name, { born: clock.now() }),
    );
    assert.ok(kept && deleted && replaced);
    for (const entry of [kept, deleted, replaced]) first.set(entry);
    await first.close();

    const { maker, gate } = gatedMaker('scan');
    const second = await openDisk(t, { clock, folder, maker });
    assert.equal(second.figures().entries, 0);
    assert.deepEqual(await second.get(kept.key.id), kept);
    assert.equal((await second.getMany([kept.key.id, deleted.key.id, idOf('nothing')])).size, 2);
    second.delete(deleted.key.id);
    const newer = sampleEntry('replaced', { born: clock.now() + 1, body: 'newer' });
    second.set(newer);
    assert.equal(await second.get(deleted.key.id), undefined);
    gate.resolve();
    await until(() => second.figures().entries >= 1, 'the index');
    await second.flush();
    assert.equal(second.figures().entries, 2);
    assert.deepEqual(await second.get(replaced.key.id), newer);
    assert.equal(await second.get(deleted.key.id), undefined);
  });

  test('takes deletions and newer entries while a batch with the same id is being written', async (t) => {
    const clock = new ManualClock();
    const { maker, gate, begun } = gatedMaker('write');
    const tier = await openDisk(t, { clock, maker });
    const [deleted, replaced] = ['deleted', 'replaced'].map((name) =>
      sampleEntry(name, { born: clock.now(), body: 'old' }),
    );
    assert.ok(deleted && replaced);
    tier.set(deleted);
    tier.set(replaced);
    const flushed = tier.flush();
    await until(() => begun() === 1, 'the batch');
    assert.deepEqual(await tier.get(deleted.key.id), deleted);
    tier.delete(deleted.key.id);
    const newer = sampleEntry('replaced', { born: clock.now(), body: 'newer' });
    tier.set(newer);
    assert.equal(await tier.get(deleted.key.id), undefined);
    assert.deepEqual(await tier.get(replaced.key.id), newer);
    gate.resolve();
    await within(flushed, 'the flush');
    assert.equal(await tier.get(deleted.key.id), undefined);
    assert.deepEqual(await tier.get(replaced.key.id), newer);
    assert.equal(tier.figures().entries, 1);
  });

  test('lists what is there, whatever is replaced, evicted and written meanwhile', async (t) => {
    const seed = randomInt(2 ** 31);
    t.diagnostic(`seed ${seed}`);
    const random = seededRandom(seed);
    const clock = new ManualClock();
    const catalog = new Catalog();
    const tier = await openDisk(t, { clock, maxBytes: 2 * MB, watch: catalog.watch('l2') });
    const names = Array.from({ length: 100 }, (_, at) => `entry ${at}`);
    const ids = names.map((name) => idOf(name));
    for (let round = 0; round < 30; round += 1) {
      // More than one batch, of which some replace what is old and about to be evicted.
      for (let count = 0; count < 25; count += 1) {
        const name = names[Math.floor(random() * names.length)] ?? '';
        const fresh = random() < 0.5 ? 1_000 : 3_600_000;
        tier.set(sampleEntry(name, { born: clock.now(), fresh, keep: 7_200_000, body: randomBytes(30_000) }));
        if (random() < 0.1) tier.delete(ids[Math.floor(random() * ids.length)] ?? '');
      }
      await tier.flush();
      const held = await tier.getMany(ids);
      const listed = [...catalog.at('l2')].map(({ key }) => key.id);
      assert.deepEqual(listed.sort(), [...held.keys()].sort(), `seed ${seed}, round ${round}`);
      clock.advance(1_500);
    }
    assert.ok(tier.figures().evictions > 50);
  });

  test('never queues more than its bound: what waits longest is dropped and counted, and its older self with it', async (t) => {
    const clock = new ManualClock();
    const { maker, gate, begun } = gatedMaker('write');
    const tier = await openDisk(t, {
      clock,
      maker,
      maxQueue: 10 * chargeOf(sampleEntry('entry 00', { born: 0 })),
    });
    tier.set(sampleEntry('first', { born: clock.now() }));
    const flushed = tier.flush();
    await until(() => begun() === 1, 'the batch');
    tier.set(sampleEntry('first', { born: clock.now(), body: 'again' }));
    for (let at = 10; at < 40; at++) tier.set(sampleEntry(`entry ${at}`, { born: clock.now() }));
    const held = await tier.getMany(Array.from({ length: 30 }, (_, at) => idOf(`entry ${at + 10}`)));
    assert.equal(held.size, 10);
    assert.ok(held.has(idOf('entry 39')));
    assert.equal(await tier.get(idOf('first')), undefined);
    assert.equal(tier.figures().faults, 21);
    gate.resolve();
    await within(flushed, 'the flush');
    assert.equal(await tier.get(idOf('first')), undefined);
    assert.equal(tier.figures().entries, 10);
  });

  test('deletes what was to be deleted also where what came in its place is dropped', async (t) => {
    const clock = new ManualClock();
    const folder = tempFolder();
    const first = await openDisk(t, {
      clock,
      folder,
      maxQueue: 10 * chargeOf(sampleEntry('entry 00', { born: 0 })),
    });
    first.set(sampleEntry('deleted', { born: clock.now(), body: 'old' }));
    await first.flush();
    first.delete(idOf('deleted'));
    first.set(sampleEntry('deleted', { born: clock.now(), body: 'new' }));
    for (let at = 10; at < 40; at++) first.set(sampleEntry(`entry ${at}`, { born: clock.now() }));
    assert.equal(await first.get(idOf('deleted')), undefined);
    await first.close();
    const second = await openDisk(t, { clock, folder });
    assert.equal(await second.get(idOf('deleted')), undefined);
    assert.ok(await second.get(idOf('entry 39')));
  });

  test('has room for what is as large as an entry may be, and for what waits before it', async (t) => {
    const clock = new ManualClock();
    const tier = await openDisk(t, { clock, maxBytes: 200_000_000, maxEntry: 40_000_000 });
    const large = sampleEntry('large', { born: clock.now(), body: Buffer.alloc(40_000_000) });
    tier.set(sampleEntry('small', { born: clock.now() }));
    tier.set(large);
    await tier.flush();
    for (const name of ['small', 'large']) assert.ok(await tier.get(idOf(name)), name);
    assert.equal(tier.figures().faults, 0);
  });

  test('finds nothing of before the time in which all is known that was invalidated', async (t) => {
    const clock = new ManualClock();
    const folder = tempFolder();
    const names = ['before', 'since'];
    const first = await openDisk(t, { clock, folder });
    const [before, since] = names.map((name) => {
      clock.advance(1_000);
      return sampleEntry(name, { born: clock.now() });
    });
    assert.ok(before && since && before.stamp < since.stamp);
    for (const entry of [before, since]) first.set(entry);
    await first.close();
    const held: string[] = [];
    const watch = { held: ({ key }: Listed) => void held.push(key.id), dropped() {}, emptied() {} };
    const tier = await openDisk(t, { clock, folder, watch, least: () => since.stamp });
    const find = async () => [await tier.get(before.key.id), await tier.get(since.key.id)];
    assert.deepEqual(await find(), [undefined, since]);
    await indexed(tier, 2);
    assert.deepEqual(await find(), [undefined, since]);
    await tier.sweep();
    assert.equal(tier.figures().entries, 1);
    assert.deepEqual(held, [since.key.id]);
  });

  test('gives up the dead first, then the stale, then the least recently used, and spares what L1 has in use', async (t) => {
    const clock = new ManualClock();
    const body = Buffer.alloc(9_500, 'x');
    const tier = await openDisk(t, { clock, codec: 'none', maxBytes: 100_000 });
    const put = async (name: string, fresh: number, keep: number) => {
      tier.set(sampleEntry(name, { born: clock.now(), fresh, keep, body }));
      await tier.flush();
      clock.advance(1);
    };
    const left = async () => {
      const names = [
        'used',
        'touched',
        'idle 1',
        'idle 2',
        'stale',
        'dead',
        'more 1',
        'more 2',
        'more 3',
        'more 4',
      ];
      const found = await tier.getMany(names.map((name) => idOf(name)));
      return names.filter((name) => found.has(idOf(name)));
    };
    for (const name of ['used', 'touched', 'idle 1', 'idle 2']) await put(name, 100_000, 200_000);
    await put('stale', 1_000, 200_000);
    await put('dead', 1_000, 2_000);
    clock.advance(2_000);
    await tier.get(idOf('used'));
    tier.touch(idOf('touched'));
    clock.advance(1);
    for (const name of ['more 1', 'more 2', 'more 3', 'more 4']) await put(name, 100_000, 200_000);
    const dropped = () => [tier.figures().expirations, tier.figures().evictions];
    assert.deepEqual(dropped(), [0, 0]);
    await put('filler 1', 100_000, 200_000);
    assert.deepEqual(dropped(), [1, 1], 'a round goes on to nine tenths of the budget');
    const all = ['used', 'touched', 'idle 1', 'idle 2', 'more 1', 'more 2', 'more 3', 'more 4'];
    for (const name of ['filler 2', 'filler 3']) await put(name, 100_000, 200_000);
    assert.deepEqual(dropped(), [1, 3]);
    assert.deepEqual(
      await left(),
      all.filter((name) => !name.startsWith('idle')),
    );
    assert.ok(tier.figures().bytes <= 100_000);
  });

  test('never keeps more than its budget, also after a restart with a smaller one', async (t) => {
    const clock = new ManualClock();
    const folder = tempFolder();
    const tier = await openDisk(t, { clock, folder, codec: 'none', maxBytes: 3 * MB });
    for (let at = 0; at < 1_000; at++) {
      tier.set(sampleEntry(`entry ${at}`, { born: clock.now(), body: Buffer.alloc(5_000, `${at}`) }));
      clock.advance(1);
      if (at % 50 === 0) await tier.flush();
      assert.ok(tier.figures().bytes <= 3 * MB);
    }
    await tier.close();
    const smaller = await openDisk(t, { clock, folder, codec: 'none', maxBytes: MB });
    await until(() => smaller.figures().evictions > 0 && smaller.figures().bytes <= MB, 'the eviction');
    assert.notEqual(await smaller.get(idOf('entry 999')), undefined);
    assert.equal(await smaller.get(idOf('entry 400')), undefined);
  });

  test('refuses what is larger than an entry may be, and forgets what it would have replaced', async (t) => {
    const clock = new ManualClock();
    const tier = await openDisk(t, { clock, maxEntry: 10_000 });
    tier.set(sampleEntry('grows', { born: clock.now() }));
    await tier.flush();
    tier.set(sampleEntry('grows', { born: clock.now(), body: Buffer.alloc(10_001) }));
    assert.equal(await tier.get(idOf('grows')), undefined);
    await tier.flush();
    assert.equal(tier.figures().entries, 0);
  });

  test('begins new diaries of the database when the old ones have grown large, and goes on as before', async (t) => {
    const clock = new ManualClock();
    const folder = tempFolder();
    const tier = await openDisk(t, { clock, folder, maxBytes: 4 * MB });
    const entry = sampleEntry('before', { born: clock.now() });
    tier.set(entry);
    await tier.flush();
    const diary = () => join(folder, readdirSync(folder).find((name) => name.startsWith('MANIFEST')) ?? '');
    // Zeros at the end of a log are skipped by its reader.
    truncateSync(diary(), 2 * MB);
    const swept = tier.sweep();
    const meanwhile = sampleEntry('meanwhile', { born: clock.now() });
    tier.set(meanwhile);
    await swept;
    assert.ok(statSync(diary()).size < 10_000);
    await tier.flush();
    for (const each of [entry, meanwhile]) assert.deepEqual(await tier.get(each.key.id), each);
    assert.deepEqual([tier.figures().entries, tier.figures().faults, tier.health().state], [2, 0, 'ok']);
  });

  test('removes records that its index does not know of, when they take much of the folder', async (t) => {
    const clock = new ManualClock();
    const folder = tempFolder();
    const first = await openDisk(t, { clock, folder, maxBytes: 8 * MB });
    const body = randomBytes(10_000);
    for (let at = 0; at < 700; at++)
      first.set(sampleEntry(`entry ${at}`, { born: clock.now(), form: 'vector', body }));
    await first.close();
    const engine = await levelDb.open(folder, { createIfMissing: false, writeBuffer: MB, tableSize: 2 * MB });
    await engine.write(
      Array.from({ length: 690 }, (_, at) => ({ key: stubKey(digestOf(idOf(`entry ${at}`))) })),
    );
    await engine.close();
    const tier = await openDisk(t, { clock, folder, maxBytes: 8 * MB });
    await until(() => tier.figures().entries === 10, 'the index');
    await tier.sweep();
    await tier.sweep();
    const size = readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
    assert.ok(size < 2 * MB, `${size} bytes`);
    assert.equal(tier.figures().entries, 10);
    assert.notEqual(await tier.get(idOf('entry 695')), undefined);
  });
});
