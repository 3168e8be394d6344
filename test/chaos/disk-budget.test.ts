import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { DiskTier } from '../../src/cache/disk.ts';
import { seededRandom } from '../../src/demo/random.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { ManualClock } from '../support/clock.ts';
import { openDisk } from '../support/disk.ts';
import { idOf, sampleEntry } from '../support/entries.ts';
import { tempFolder } from '../support/folder.ts';

const MB = 1_000_000;
const BUDGET = 20 * MB;
const random = seededRandom(5);

/** Bytes of the folder's files, as fast as it can be told. */
function sizeOf(folder: string): number {
  return readdirSync(folder).reduce((sum, name) => {
    return sum + (statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0);
  }, 0);
}

/** Sets `bytes` of incompressible entries and looks at the folder all the while; gives its peak. */
async function churn(tier: DiskTier, folder: string, bytes: number, flushEvery: number): Promise<number> {
  let peak = 0;
  for (let [written, at] = [0, 0]; written < bytes; at++) {
    const body = randomBytes(500 + Math.floor(random() * 12_000));
    written += body.length;
    tier.set(sampleEntry(`key ${Math.floor(random() * 50_000)}`, { born: Date.now(), body, form: 'vector' }));
    if (at % flushEvery === 0) await tier.flush();
    if (at % 20 !== 0) continue;
    await turn();
    peak = Math.max(peak, sizeOf(folder));
    assert.ok(tier.figures().bytes <= BUDGET);
  }
  return peak;
}

describe('the disk a tier really takes stays within 2.5 times its budget', () => {
  for (const [speed, flushEvery, amount] of [
    ['at full speed', Number.POSITIVE_INFINITY, 150 * MB],
    ['as fast as it is written', 100, 100 * MB],
  ] as const) {
    test(speed, async (t) => {
      const folder = join(tempFolder(), 'l2');
      const tier = await openDisk(t, { folder, maxBytes: BUDGET, clock: systemClock });
      const peak = await churn(tier, folder, amount, flushEvery);
      t.diagnostic(`peak ${(peak / BUDGET).toFixed(2)} times the budget`);
      assert.ok(peak <= 2.5 * BUDGET, `${peak} bytes`);
      await tier.flush();
      assert.equal(tier.health().state, 'ok');
      assert.ok(tier.figures().bytes > 0.8 * BUDGET, `${tier.figures().bytes} bytes live`);
      await tier.close();
      const du = Number(execFileSync('du', ['-sk', folder]).toString().split('\t')[0]) * 1_024;
      assert.ok(du <= 2.5 * BUDGET, `${du} bytes by du`);
    });
  }

  test('and shrinks when what it holds has expired', async (t) => {
    const folder = join(tempFolder(), 'l2');
    const clock = new ManualClock();
    const tier = await openDisk(t, { folder, maxBytes: BUDGET, clock });
    const born = clock.now();
    for (let at = 0; at < 1_500; at++) {
      const keep = at < 10 ? 3_600_000 : 1_000;
      tier.set(
        sampleEntry(`entry ${at}`, { born, fresh: keep, keep, body: randomBytes(10_000), form: 'vector' }),
      );
    }
    await tier.flush();
    assert.ok(sizeOf(folder) > 10 * MB);
    clock.advance(1_000);
    await tier.sweep();
    assert.equal(tier.figures().entries, 10);
    assert.ok(sizeOf(folder) < 5 * MB, `${sizeOf(folder)} bytes`);
    assert.notEqual(await tier.get(idOf('entry 3')), undefined);
  });
});
