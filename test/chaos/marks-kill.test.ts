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

const LIVES = 8;
const SCRIPT = fileURLToPath(new URL('../support/killed-marker.ts', import.meta.url));

test(`marks survive ${LIVES} kills while they are written, and stamps go on rising by a clock that is set back each time`, async (t) => {
  const seed = randomInt(2 ** 31);
  t.diagnostic(`seed ${seed}`);
  const random = seededRandom(seed);
  const path = join(tempFolder(), 'marks.journal');
  const promised = new Map<number, number>();
  for (let life = 0; life <= LIVES; life += 1) {
    const { trusted, found, next, durable } = await live(path, life * 600_000, 20 + random() * 100);
    assert.equal(trusted, life > 0, `life ${life}`);
    const kept = new Map(found);
    for (const [number, stamp] of promised) {
      assert.equal(kept.get(number), stamp, `life ${life}: tag ${number}`);
      assert.ok(next > stamp, `life ${life}: stamps go on at ${next}`);
    }
    for (const [number, stamp] of durable) promised.set(number, stamp);
  }
  t.diagnostic(`${promised.size} marks promised`);
  assert.ok(promised.size > 20, `only ${promised.size} promised`);
});

type Stamped = readonly [number: number, stamp: number];

interface Told {
  readonly trusted: boolean;
  readonly found: readonly Stamped[];
  readonly next: number;
}

/** Lets the process live for `ms` after it has made its first mark. */
async function live(
  path: string,
  behindMs: number,
  ms: number,
): Promise<Told & { readonly durable: readonly Stamped[] }> {
  const child = spawn(process.execPath, [SCRIPT, path, String(behindMs)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const opened = Promise.withResolvers<Told>();
  const begun = Promise.withResolvers<void>();
  const durable: Stamped[] = [];
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    const told = JSON.parse(line);
    if ('durable' in told) {
      durable.push(told.durable);
      begun.resolve();
    } else opened.resolve(told);
  });
  child.once('exit', (code) => opened.reject(new Error(`the process ended by itself: ${code}`)));
  const exited = once(child, 'exit');
  const closed = once(lines, 'close');
  const told = await within(opened.promise, 'the process', 30_000);
  await within(begun.promise, 'its first mark', 30_000);
  await wait(ms);
  child.kill('SIGKILL');
  await exited;
  await closed;
  return { ...told, durable };
}
