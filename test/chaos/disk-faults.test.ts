import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { ManualClock } from '../support/clock.ts';
import { until } from '../support/deadline.ts';
import { oracleVector } from '../support/embeddings.ts';
import { send } from '../support/http.ts';
import { startReprise, type TestReprise } from '../support/reprise.ts';
import { startUpstream } from '../support/upstream.ts';

/** A fault of a real disk, made by the system and not by a stand-in. */
interface Fault {
  readonly strike: () => void;
  readonly lift: () => void;
  /** What the operator reads of it. */
  readonly reason: RegExp;
}

const NOBODY = 65_534;
const [BATCH, DIMENSIONS] = [40, 1_024];

/** A folder on `/tmp`, removed at the end. */
function dataFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'reprise-test-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Asks for vectors of these names; they must be right, and nothing may tell of a fault. Gives what the cache did. */
async function ask(reprise: TestReprise, name: string): Promise<string> {
  const input = Array.from({ length: BATCH }, (_, at) => `${name} ${at}`);
  const body = { model: 'e', input, dimensions: DIMENSIONS, encoding_format: 'base64' };
  const answer = await send(`${reprise.url}/v1/embeddings`, { body });
  assert.equal(answer.status, 200);
  const { data } = answer.json() as { data: { embedding: string }[] };
  assert.deepEqual(
    data.map(({ embedding }) => embedding),
    input.map((text) => oracleVector('e', text, DIMENSIONS).toString('base64')),
  );
  assert.doesNotMatch([...answer.headers].join(), /IO error|ENO|EACCES|disk|degraded/i);
  return answer.headers.get('x-cache') ?? '';
}

/** What `/health/ready` says of L2; it is 200 all the while. */
async function l2(reprise: TestReprise): Promise<{ state: string; reason?: string }> {
  const answer = await send(`${reprise.url}/health/ready`);
  assert.equal(answer.status, 200);
  const { status, checks } = answer.json() as { status: string; checks: { l2: { state: string } } };
  assert.equal(status, checks.l2.state);
  return checks.l2;
}

/** Runs the proxy through a fault of its disk, under load all the while: it answers, says so, and is well again. */
async function comesThrough(folder: string, fault: Fault): Promise<void> {
  await using upstream = await startUpstream();
  const clock = new ManualClock();
  const profile = { disk: { max_bytes: '4MB' }, memory: { max_entries: 200 } };
  const options = { upstream: upstream.url, folder, clock, profile };
  await using reprise = await startReprise(options);
  await ask(reprise, 'before');
  await pass(clock);
  assert.equal((await l2(reprise)).state, 'ok');

  fault.strike();
  let asked = 0;
  await until(async () => {
    assert.equal(await ask(reprise, `meanwhile ${asked++}`), 'MISS');
    await pass(clock);
    return (await l2(reprise)).state === 'degraded';
  }, 'L2 to be degraded');
  // It tries again every 15 s, and fails.
  for (let round = 0; round < 6; round++) {
    assert.equal(await ask(reprise, `without ${round}`), 'MISS');
    assert.equal(await ask(reprise, `without ${round}`), 'HIT');
    clock.advance(15_000);
    await pass(clock);
    const { state, reason } = await l2(reprise);
    assert.equal(state, 'degraded');
    assert.match(reason ?? '', fault.reason);
  }

  fault.lift();
  await until(async () => {
    await pass(clock);
    return (await l2(reprise)).state === 'ok';
  }, 'L2 to be well');
  await ask(reprise, 'after');
  await reprise.stop();
  await using again = await startReprise(options);
  for (const name of ['before', 'after']) assert.equal(await ask(again, name), 'HIT', name);
  assert.equal((await l2(again)).state, 'ok');
}

/** A second, and the moment that writing to disk takes. */
async function pass(clock: ManualClock): Promise<void> {
  clock.advance(1_000);
  let turns = 0;
  await until(() => turns++ > 10, 'some turns');
}

describe('the proxy answers while its disk', () => {
  test('has gone, and finds everything when it is back', async (t) => {
    const folder = dataFolder(t);
    await comesThrough(folder, {
      strike() {
        renameSync(folder, `${folder}.away`);
        // As where a disk is not mounted: no folder can be made in its place.
        writeFileSync(folder, '');
      },
      lift() {
        rmSync(folder);
        renameSync(`${folder}.away`, folder);
      },
      reason: /ENOTDIR|EEXIST/,
    });
  });

  test('is read-only', async (t) => {
    // To root no folder is read-only.
    if (process.geteuid?.() === 0) {
      process.seteuid?.(NOBODY);
      t.after(() => process.seteuid?.(0));
    }
    const folder = dataFolder(t);
    const mode = (bits: number) => {
      for (const path of [folder, join(folder, 'l2')]) chmodSync(path, bits);
    };
    await comesThrough(folder, {
      strike: () => mode(0o500),
      lift: () => mode(0o700),
      reason: /Permission denied|EACCES/,
    });
  });

  test('takes no more in a file', async (t) => {
    await comesThrough(dataFolder(t), fileLimit(t));
  });

  test('is full', async (t) => {
    const folder = dataFolder(t);
    if (!mountSmallDisk(folder)) {
      t.diagnostic('no disk may be mounted here, so the files are bounded instead');
      return await comesThrough(folder, fileLimit(t));
    }
    const filler = join(folder, 'filler');
    try {
      await comesThrough(folder, {
        strike() {
          assert.throws(() => {
            for (;;) writeFileSync(filler, Buffer.alloc(100_000), { flag: 'a' });
          }, /ENOSPC/);
        },
        lift: () => rmSync(filler),
        reason: /No space left|bytes are free/,
      });
    } finally {
      execFileSync('umount', [folder]);
    }
  });
});

/** No file of this process may grow any more (`ulimit -f`), as on a disk with a quota. */
function fileLimit(t: TestContext): Fault {
  const limit = (soft: string) => execFileSync('prlimit', [`--pid=${process.pid}`, `--fsize=${soft}:`]);
  t.after(() => limit('unlimited'));
  return {
    strike: () => limit('100000'),
    lift: () => limit('unlimited'),
    reason: /File too large|No space left/,
  };
}

/** Mounts a disk of 16 MB on `folder`, where that is permitted. */
function mountSmallDisk(folder: string): boolean {
  const args = ['-t', 'tmpfs', '-o', 'size=16m', 'none', folder];
  return spawnSync('mount', args).status === 0;
}
