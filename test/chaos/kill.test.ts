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

const LIVES = 20;
const SCRIPT = fileURLToPath(new URL('../support/killed-writer.ts', import.meta.url));

/** What one life of the writer said. */
interface Life {
  readonly verdict: { health: { state: string }; found: number; wrong: string[]; missing: string[] };
  readonly said: readonly string[];
  /** Steps before this one have begun. */
  readonly used: number;
  /** Steps of this life before this one had ended a second before the kill. */
  readonly owed: number;
}

test(`the disk survives ${LIVES} kills under load: it opens, serves nothing wrong, and has what was written a second before`, async (t) => {
  const seed = randomInt(2 ** 31);
  t.diagnostic(`seed ${seed}`);
  const random = seededRandom(seed);
  const folder = join(tempFolder(), 'l2');
  const owed: [from: number, to: number][] = [];
  let [used, found] = [0, 0];
  for (let life = 0; life <= LIVES; life++) {
    // Long lives leave much that was promised; short ones die while the log of the one before is still being read.
    const ms = life % 2 === 0 ? 1_100 + random() * 800 : 100 + random() * 500;
    const lived = await live(folder, used, owed, life === LIVES ? 0 : ms);
    assert.deepEqual(lived.verdict.wrong, [], `life ${life}`);
    assert.deepEqual(lived.verdict.missing, [], `life ${life}`);
    assert.equal(lived.verdict.health.state, 'ok');
    assert.deepEqual(lived.said, []);
    owed.push([used, lived.owed]);
    used = lived.used;
    found = lived.verdict.found;
  }
  const promised = owed.reduce((sum, [from, to]) => sum + to - from, 0);
  t.diagnostic(`${used} steps, ${promised} of them promised, ${found} found`);
  assert.ok(promised > 100, `only ${promised} promised`);
});

/** Lets the writer live for `ms` after it has looked around. */
async function live(
  folder: string,
  used: number,
  owed: readonly [number, number][],
  ms: number,
): Promise<Life> {
  const args = [SCRIPT, folder, String(used), JSON.stringify(owed)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const said: string[] = [];
  const steps: { readonly step: number; readonly at: number }[] = [];
  const verdict = Promise.withResolvers<Life['verdict']>();
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    const told = JSON.parse(line);
    if ('step' in told) steps.push({ step: told.step, at: performance.now() });
    else if ('said' in told) said.push(told.said);
    else verdict.resolve(told);
  });
  child.once('exit', (code) => verdict.reject(new Error(`the writer ended by itself: ${code}`)));
  const exited = once(child, 'exit');
  const closed = once(lines, 'close');
  const seen = await within(verdict.promise, 'the writer', 30_000);
  await wait(ms);
  const killedAt = performance.now();
  child.kill('SIGKILL');
  await exited;
  await closed;
  const settled = steps.filter(({ at }) => at <= killedAt - 1_000).at(-1);
  const begun = steps.at(-1);
  return {
    verdict: seen,
    said,
    // The step after the last one that was told may have begun, too.
    used: begun === undefined ? used + 1 : begun.step + 2,
    owed: settled === undefined ? used : settled.step + 1,
  };
}
