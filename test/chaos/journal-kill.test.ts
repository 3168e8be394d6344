import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { seededRandom } from '../../src/demo/random.ts';
import { within } from '../support/deadline.ts';
import { tempFolder } from '../support/folder.ts';

const LIVES = 12;
const SCRIPT = fileURLToPath(new URL('../support/killed-appender.ts', import.meta.url));

test(`a journal survives ${LIVES} kills while it is written: it is whole, and has every record that was promised`, async (t) => {
  const seed = randomInt(2 ** 31);
  t.diagnostic(`seed ${seed}`);
  const random = seededRandom(seed);
  const path = join(tempFolder(), 'journal');
  let promised = 0;
  for (let life = 0; life <= LIVES; life++) {
    const { whole, records, durable } = await live(path, 20 + random() * 200);
    assert.equal(whole, life > 0, `life ${life}`);
    assert.ok(records.length >= promised, `life ${life}: ${records.length} records of ${promised} promised`);
    assert.deepEqual(
      records,
      records.map((_, at) => at),
    );
    promised = Math.max(durable, promised);
  }
  t.diagnostic(`${promised} records promised`);
  assert.ok(promised > 100, `only ${promised} promised`);
});

/** Lets the writer live for `ms` after it has opened the journal. */
async function live(
  path: string,
  ms: number,
): Promise<{ whole: boolean; records: unknown[]; durable: number }> {
  const child = spawn(process.execPath, [SCRIPT, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const opened = Promise.withResolvers<{ whole: boolean; records: unknown[] }>();
  const begun = Promise.withResolvers<void>();
  let durable = 0;
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    const told = JSON.parse(line);
    if ('durable' in told) {
      durable = told.durable;
      begun.resolve();
    } else opened.resolve(told);
  });
  child.once('exit', (code) => opened.reject(new Error(`the writer ended by itself: ${code}`)));
  const exited = once(child, 'exit');
  const closed = once(lines, 'close');
  const found = await within(opened.promise, 'the writer', 30_000);
  await within(begun.promise, 'its first append', 30_000);
  await wait(ms);
  child.kill('SIGKILL');
  await exited;
  await closed;
  return { ...found, durable };
}
