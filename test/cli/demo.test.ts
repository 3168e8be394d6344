import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { until, within } from '../support/deadline.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
let temporary: string;

before(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'demo-test-'));
});
after(() => rm(temporary, { recursive: true }));

test('the demo reaches its four figures, a changed price takes with it what speaks of it, and the exit status says so', async () => {
  // With stand-ins this fast all wait for the processor, and the more of them the longer.
  const { status, stdout, stderr } = await run('--speed', '25', '--customers', '8');
  assert.equal(stderr, '');
  for (const name of ['hit rate', 'fewer LLM calls', 'fewer product queries']) {
    assert.match(stdout, new RegExp(`^ ✓ ${name} `, 'm'));
  }
  // How long a hit takes is the machine's to say, which may have much else to do.
  const [, quick] = /^ ([✓✗]) answer time of a hit /m.exec(stdout) ?? [];
  assert.match(stdout, /1,500 \/ 1,500 questions/);
  assert.match(stdout, /Both agree/);
  assert.match(stdout, /^ ✓ Skarv 2: 349 → 314 € {2}Shopify, products\/update, /m);
  assert.match(stdout, /^ ✓ Varde 55: 219 → 197 € {2}WooCommerce, product\.updated, /m);
  assert.ok(quick);
  assert.equal(status, quick === '✓' ? 0 : 1);
});

test('with too few questions for a cache to be of use it says that too', async () => {
  const { status, stdout } = await run('--questions', '10', '--speed', '25', '--json');
  const outcome: unknown = JSON.parse(stdout);
  assert.ok(typeof outcome === 'object' && outcome !== null);
  assert.ok('reached' in outcome && outcome.reached === false);
  assert.ok('contradictions' in outcome && Array.isArray(outcome.contradictions));
  assert.deepEqual(outcome.contradictions, []);
  assert.ok('price_changes' in outcome && Array.isArray(outcome.price_changes));
  assert.deepEqual(
    outcome.price_changes.map(({ article, before_eur, after_eur, faults, gone }) => [
      article,
      before_eur,
      after_eur,
      faults,
      gone.products,
      gone.embeddings,
    ]),
    [
      ['Skarv 2', 349, 314, [], 1, 0],
      ['Varde 55', 219, 197, [], 1, 0],
    ],
  );
  assert.equal(status, 1);
});

test('Ctrl-C ends it with 130, and nothing stays behind', async () => {
  const child = start('--speed', '1');
  let shown = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    shown += chunk;
  });
  await until(() => / questions {2}hits /.test(shown), 'the first figures', 30_000);
  assert.equal((await readdir(temporary)).length, 1);
  child.kill('SIGINT');
  assert.equal(await within(statusOf(child), 'the end', 10_000), 130);
  assert.deepEqual(await readdir(temporary), []);
});

test('every mistake in the flags is told at once, with 2', async () => {
  const { status, stderr } = await run('--questions', '0', '--speed', 'fast', '--sede', '3', 'now');
  assert.deepEqual(stderr.trim().split('\n'), [
    '--questions: got "0", expected a whole number above 0',
    '--speed: got "fast", expected a number above 0',
    '--sede: got an unknown flag, expected a known one; the nearest is --seed',
    'the command line: got "3", expected flags only',
    'the command line: got "now", expected flags only',
  ]);
  assert.equal(status, 2);
});

test('--help tells the flags', async () => {
  const { status, stdout } = await run('--help');
  for (const flag of ['--questions', '--customers', '--seed', '--speed', '--json'])
    assert.ok(stdout.includes(flag));
  assert.equal(status, 0);
});

async function run(...flags: string[]): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const child = start(...flags);
  const [status, stdout, stderr] = await within(
    Promise.all([statusOf(child), text(child.stdout), text(child.stderr)]),
    `demo ${flags.join(' ')}`,
    90_000,
  );
  assert.deepEqual(await readdir(temporary), [], 'nothing stays behind');
  return { status, stdout, stderr };
}

function start(...flags: string[]) {
  return spawn(process.execPath, [MAIN, 'demo', ...flags], {
    env: { ...process.env, TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

function statusOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.once('exit', resolve));
}
