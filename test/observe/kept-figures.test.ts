import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { KeptFigures } from '../../src/observe/kept-figures.ts';
import { answered } from '../support/answered.ts';
import { tempFolder } from '../support/folder.ts';
import { testMonitor } from '../support/monitor.ts';

const usage = {
  model: 'gpt-4o-mini',
  promptTokens: 10,
  completionTokens: 5,
  cachedTokens: 0,
  cacheWriteTokens: 0,
  serviceTier: undefined,
};

test('totals go on in another monitor, by name too, and are never counted twice', async () => {
  const path = join(tempFolder(), 'figures.json');
  for (let run = 1; run <= 3; run += 1) {
    const { events, monitor } = testMonitor();
    const kept = await KeptFigures.open(path, monitor);
    const spared = { calls: 1, usage, upstreamMs: 100 } as const;
    events.emit(answered('a', { usage, spared, model: '__proto__' }));
    events.emit(answered('b', { outcome: 'PARTIAL', parts: { hits: 1, total: 2 } }));
    await Promise.all([kept.write(), kept.write()]);
    await kept.write();
    const { counts, saved } = monitor.figures.total;
    assert.deepEqual([counts.total, counts.of.hits, counts.partialShare], [2 * run, run, run / 2]);
    assert.deepEqual([saved.requests, saved.promptTokens, saved.upstreamMs], [run, 10 * run, 100 * run]);
    assert.equal(monitor.figures.models.get('__proto__')?.counts.of.hits, run);
    monitor.close();
  }
});

test('a file that is torn, of another version, or full of nonsense begins anew', async () => {
  const path = join(tempFolder(), 'figures.json');
  for (const text of [
    '{"version":1,"cou',
    '',
    '[]',
    '{"version":2,"counts":{"hits":9}}',
    '{"version":1,"counts":{"hits":"many","misses":-3},"types":7}',
  ]) {
    writeFileSync(path, text);
    const { monitor } = testMonitor();
    const kept = await KeptFigures.open(path, monitor);
    assert.equal(monitor.figures.total.counts.total, 0, text);
    await kept.write();
    assert.equal(JSON.parse(readFileSync(path, 'utf8')).version, 1);
    monitor.close();
  }
});

test('a file that cannot be read is said to be so', async () => {
  await assert.rejects(KeptFigures.open(tempFolder(), testMonitor().monitor), { code: 'EISDIR' });
});
