import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, readFileSync, rmdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { AuditRecord } from '../../src/invalidation/audit-log.ts';
import { KeptAudit } from '../../src/invalidation/kept-audit.ts';
import { Background } from '../../src/shared/background.ts';
import { tempFolder } from '../support/folder.ts';

/** A log in a file, opened by a process of its own, so to speak. */
async function opened(path: string | undefined) {
  const failures: string[] = [];
  const background = new Background((label, message) => failures.push(`${label}: ${message}`));
  return { log: await KeptAudit.open(path, background), failures, written: () => background.drain() };
}

const newFile = () => join(tempFolder(), 'invalidations.jsonl');

function record(id: string): AuditRecord {
  return {
    id,
    at: '2026-01-01T00:00:00.000Z',
    by: 'api',
    mode: 'purge',
    dry_run: false,
    condition: { tags: ['a\nb', 'ü'] },
    omitted: 0,
    matched: 1,
    invalidated: 1,
    ms: 0.1,
  };
}

const idsOf = (log: KeptAudit, limit = 1_000) => log.latest(limit).map(({ id }) => id);

test('what is recorded is told, the latest first, also after a restart', async () => {
  const path = newFile();
  const { log, written } = await opened(path);
  for (const id of ['1', '2', '3']) log.record(record(id));
  assert.deepEqual(idsOf(log), ['3', '2', '1']);
  assert.deepEqual(idsOf(log, 2), ['3', '2']);
  await written();
  const again = await opened(path);
  assert.deepEqual(again.log.latest(10), log.latest(10));
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test('people can read the file: one JSON object a line', async () => {
  const path = newFile();
  const { log, written } = await opened(path);
  log.record(record('1'));
  log.record(record('2'));
  await written();
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).id),
    ['1', '2'],
  );
});

test('a line that a crash has torn, or something else has written, is passed over, and harms no later one', async () => {
  const path = newFile();
  const first = await opened(path);
  first.log.record(record('1'));
  await first.written();
  appendFileSync(path, `null\n7\n{"half":\n${JSON.stringify(record('2')).slice(0, 30)}`);
  const second = await opened(path);
  assert.deepEqual(idsOf(second.log), ['1']);
  second.log.record(record('3'));
  await second.written();
  assert.deepEqual(idsOf((await opened(path)).log), ['3', '1']);
});

test('it is bounded, in memory and in its file, and the latest are kept', async () => {
  const path = newFile();
  const { log, written } = await opened(path);
  let most = 0;
  for (let at = 0; at < 5_000; at += 1) {
    log.record(record(`${at}`));
    if (at % 50 === 0) await written();
    if (at % 500 === 0) most = Math.max(most, readFileSync(path, 'utf8').split('\n').length - 1);
  }
  await written();
  assert.ok(most <= 2_000, `${most} lines`);
  assert.equal(log.latest(10_000).length, 1_000);
  assert.deepEqual(idsOf((await opened(path)).log), idsOf(log));
});

test('many at once are each written once, also where the file is made anew', async () => {
  const path = newFile();
  const { log, written } = await opened(path);
  for (let at = 0; at < 1_990; at += 1) log.record(record(`${at}`));
  await written();
  for (let at = 1_990; at < 2_030; at += 1) log.record(record(`${at}`));
  await written();
  const ids = idsOf((await opened(path)).log);
  assert.equal(new Set(ids).size, 1_000);
  assert.deepEqual(ids, idsOf(log));
});

test('where it cannot be written it is told all the same, and the failure is reported', async () => {
  const path = newFile();
  const { log, failures, written } = await opened(path);
  // A folder in the place of the file: nobody can write that, root neither.
  mkdirSync(path);
  log.record(record('1'));
  await written();
  assert.deepEqual(idsOf(log), ['1']);
  assert.match(failures.join(), /^writing the log of invalidations: EISDIR/);
  rmdirSync(path);
  log.record(record('2'));
  await written();
  assert.deepEqual(idsOf((await opened(path)).log), ['2']);
});

test('a file that is there and cannot be read is not taken for an empty one', async () => {
  const path = newFile();
  mkdirSync(path);
  await assert.rejects(opened(path), /EISDIR/);
});

test('without a path it lives in memory', async () => {
  const { log, written } = await opened(undefined);
  log.record(record('1'));
  await written();
  assert.deepEqual(idsOf(log), ['1']);
});
