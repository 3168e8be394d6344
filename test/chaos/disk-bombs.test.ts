import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { recordKey } from '../../src/cache/disk-keys.ts';
import { levelDb } from '../../src/cache/leveldb.ts';
import { digestOf, toRecord } from '../../src/cache/record.ts';
import { bombs, forge } from '../support/bombs.ts';
import { ManualClock } from '../support/clock.ts';
import { indexed, openDisk } from '../support/disk.ts';
import { sampleEntry } from '../support/entries.ts';
import { tempFolder } from '../support/folder.ts';

const MAX_ENTRY = 1_000_000;
const TUNING = { createIfMissing: false, writeBuffer: 1_000_000, tableSize: 2_000_000 };

describe('a record on disk whose checksum is right and which holds', () => {
  for (const [name, bomb] of Object.entries(bombs())) {
    for (const claimed of [1_000, MAX_ENTRY, MAX_ENTRY + 1]) {
      test(`${name}, said to be of ${claimed} bytes, is a miss, counted, and deleted`, async (t) => {
        const clock = new ManualClock();
        const folder = join(tempFolder(), 'l2');
        const first = await openDisk(t, { folder, clock, codec: 'gzip', maxEntry: MAX_ENTRY });
        const [victim, other] = ['victim', 'other'].map((each) => sampleEntry(each, { born: clock.now() }));
        assert.ok(victim && other);
        for (const entry of [victim, other]) first.set(entry);
        await first.close();
        const digest = digestOf(victim.key.id);
        const empty = { ...victim, payload: { ...victim.payload, body: Buffer.alloc(0) } };
        const engine = await levelDb.open(folder, TUNING);
        const value = forge(toRecord(empty, digest, 'none'), bomb, claimed);
        await engine.write([{ key: recordKey(digest), value }]);
        await engine.close();

        const tier = await openDisk(t, { folder, clock, codec: 'gzip', maxEntry: MAX_ENTRY });
        await indexed(tier, 2);
        const before = process.memoryUsage().rss;
        const began = performance.now();
        assert.equal(await tier.get(victim.key.id), undefined);
        assert.ok(performance.now() - began < 250, `${performance.now() - began} ms`);
        assert.ok(process.memoryUsage().rss - before < 32_000_000);
        assert.equal(tier.figures().faults, 1);
        const both = await tier.getMany([victim.key.id, other.key.id]);
        assert.deepEqual([...both.values()], [other]);
        await tier.flush();
        assert.deepEqual([tier.figures().entries, tier.health().state], [1, 'ok']);
        await tier.close();
        const after = await levelDb.open(folder, TUNING);
        assert.equal(after.getSync(recordKey(digest)), undefined);
        await after.close();
      });
    }
  }
});
