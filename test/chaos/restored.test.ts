import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ManualClock } from '../support/clock.ts';
import { until } from '../support/deadline.ts';
import { tempFolder } from '../support/folder.ts';
import { send } from '../support/http.ts';
import { startReprise } from '../support/reprise.ts';

const MINUTE = 60_000;
const PATH = '/cache/values/products/7';

test('what was purged stays gone where an older state of L2 comes back, also when nothing was left that the purge could concern', async () => {
  const folder = tempFolder();
  const clock = new ManualClock();
  const profile = { sweep_every: '20m' };
  const options = { upstream: 'http://127.0.0.1:9/v1', folder, clock, profile };
  const [l2, backup] = [join(folder, 'l2'), join(folder, 'backup')];
  const first = await startReprise(options);
  const headers = { 'content-type': 'application/json', 'x-cache-ttl': '24h', 'x-cache-tags': 'product:7' };
  await send(first.url + PATH, { method: 'PUT', body: '{"price":1}', headers });
  await first.stop();
  cpSync(l2, backup, { recursive: true });

  const second = await startReprise(options);
  const { matched } = (
    await send(`${second.url}/cache/invalidate`, { body: { tags: ['product:7'] } })
  ).json();
  assert.equal(matched, 1);
  // Some of these sweeps are one, where a machine is slow; a few are enough.
  for (let sweep = 0; sweep < 30; sweep += 1) {
    clock.advance(20 * MINUTE);
    let turns = 0;
    await until(() => turns++ > 5, 'some turns');
  }
  await second.stop();
  assert.doesNotMatch(readFileSync(join(folder, 'marks.journal'), 'latin1'), /product:7/);
  rmSync(l2, { recursive: true });
  cpSync(backup, l2, { recursive: true });

  await using third = await startReprise(options);
  assert.equal((await send(third.url + PATH)).status, 404);
});

for (const [how, damage, says] of [
  ['lost', () => {}, /marks\.journal is not there: what was stored before may/],
  ['damaged', (path: string) => writeFileSync(path, 'hello'), /marks\.journal is damaged: what/],
  ['not readable', (path: string) => mkdirSync(path), /EISDIR.*: what was stored before may/],
] as const) {
  test(`L2 begins empty where the log of what was invalidated is ${how}, and the operator is told why`, async () => {
    const folder = tempFolder();
    const options = { upstream: 'http://127.0.0.1:9/v1', folder, clock: new ManualClock() };
    const first = await startReprise(options);
    const headers = { 'content-type': 'application/json' };
    await send(first.url + PATH, { method: 'PUT', body: '{"price":1}', headers });
    await first.stop();
    assert.deepEqual(
      first.events.filter(({ kind }) => kind === 'degraded'),
      [],
    );
    rmSync(join(folder, 'marks.journal'));
    damage(join(folder, 'marks.journal'));
    await using second = await startReprise(options);
    assert.equal((await send(second.url + PATH)).status, 404);
    const told = second.events.flatMap((event) => (event.kind === 'degraded' ? [event] : []));
    assert.deepEqual(
      told.map(({ what }) => what),
      ['invalidations', 'l2'],
    );
    assert.match(told[0]?.why ?? '', says);
  });
}
