import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as latency } from 'node:timers/promises';
import { DiskTier } from '../../src/cache/disk.ts';
import { MemoryTier } from '../../src/cache/memory.ts';
import { Store } from '../../src/cache/store.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { sampleEntry } from '../support/entries.ts';
import { tempFolder } from '../support/folder.ts';
import { chat } from '../support/http.ts';
import { setStage } from '../support/stage.ts';

// What is promised here is work that is not done, which no noisy machine can blur: calls that are not made, bytes that are
// not read twice. Times are shown for who reads along, and bounded only where ten times too slow would be a defect.

describe('performance', () => {
  it('a stack of L1 and L2 takes 100 writes, 100 reads and 50 misses without waiting for the disk', async (t) => {
    const disk = await DiskTier.open({
      folder: tempFolder(),
      maxBytes: 50_000_000,
      codec: 'none',
      maxEntry: 16_000_000,
      clock: systemClock,
      notify: () => {},
    });
    const store = new Store(new MemoryTier({ maxEntries: 500, maxBytes: 50_000_000 }, systemClock), [disk]);
    const now = systemClock.now();
    const entries = Array.from({ length: 100 }, (_, at) =>
      sampleEntry(`entry ${at}`, { body: Buffer.alloc(2_000, at), born: now }),
    );
    const writes = perCall(100, (at) => store.put([entryAt(entries, at)]));
    const reads = perCall(100, (at) => assert.ok(store.peek(entryAt(entries, at).key.id)));
    const took: number[] = [];
    for (let at = 0; at < 50; at += 1) {
      took.push(await timed(async () => assert.equal(await store.find('m'.repeat(43)), undefined)));
    }
    // The median: that the machine did something else meanwhile is not the disk's doing.
    const misses = took.sort((one, other) => one - other)[25] ?? Number.NaN;
    t.diagnostic(`write ${writes.toFixed(4)} ms, read ${reads.toFixed(4)} ms, miss ${misses.toFixed(4)} ms`);
    assert.ok(
      writes < 2 && reads < 1 && misses < 1,
      `write ${writes} ms, read ${reads} ms, miss ${misses} ms`,
    );
    await store.close();
  });

  it('a hit is answered without the upstream, in a small part of the time of a miss', async (t) => {
    await using stage = await setStage();
    stage.upstream.answer(async (request, response) => {
      await latency(200);
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(
        JSON.stringify({
          id: 'x',
          choices: [{ index: 0, message: { content: request.body.length }, finish_reason: 'stop' }],
        }),
      );
    });
    const miss = await timed(() => stage.ask('/v1/chat/completions', { body: chat('x') }));
    const hits = [];
    for (let run = 0; run < 20; run += 1)
      hits.push(await timed(() => stage.ask('/v1/chat/completions', { body: chat('x') })));
    hits.sort((one, other) => one - other);
    const median = hits[10] ?? Number.NaN;
    t.diagnostic(`miss ${miss.toFixed(1)} ms, hit ${median.toFixed(2)} ms (median of 20)`);
    assert.equal(stage.upstream.calls.length, 1);
    assert.ok(median < 100, `a hit took ${median} ms`);
  });

  it('a batch of 2,048 cached embeddings is one request, none upstream', async (t) => {
    await using stage = await setStage({ profile: { memory: { max_entries: 10_000 } } });
    const body = {
      model: 'e',
      input: Array.from({ length: 2_048 }, (_, at) => `item ${at}`),
      encoding_format: 'base64',
    };
    await stage.ask('/v1/embeddings', { body });
    const took = await timed(async () => {
      const hit = await stage.ask('/v1/embeddings', { body });
      assert.equal(hit.headers.get('x-cache-parts'), '2048/2048');
    });
    t.diagnostic(`${took.toFixed(1)} ms`);
    assert.equal(stage.upstream.calls.length, 1);
  });

  it('500 concurrent callers of one question cost one upstream call', async () => {
    await using stage = await setStage();
    const calls = Array.from({ length: 500 }, () => stage.ask('/v1/chat/completions', { body: chat('hot') }));
    for (const { status } of await Promise.all(calls)) assert.equal(status, 200);
    assert.equal(stage.upstream.calls.length, 1);
  });
});

function perCall(count: number, run: (at: number) => void): number {
  const began = performance.now();
  for (let at = 0; at < count; at += 1) run(at);
  return (performance.now() - began) / count;
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await run();
  return performance.now() - began;
}

function entryAt<T>(entries: readonly T[], at: number): T {
  const entry = entries[at];
  assert.ok(entry);
  return entry;
}
