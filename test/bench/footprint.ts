import { Catalog } from '../../src/cache/catalog.ts';
import { MemoryTier } from '../../src/cache/memory.ts';
import { Store } from '../../src/cache/store.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { sampleEntry } from '../support/entries.ts';

// A process of its own, started with --expose-gc: `node footprint.ts`. It prints, as JSON, what an entry of 2 KB in L1 takes: the
// difference between 20,000 of them and 120,000, for what a process takes by itself is not theirs.

const FIRST = 20_000;
const MORE = 100_000;

const catalog = new Catalog();
const limits = { maxEntries: 200_000, maxBytes: 2_000_000_000 };
const store = new Store(new MemoryTier(limits, systemClock, catalog.watch('l1')));
const born = systemClock.now();

const before = await fill(0, FIRST);
const after = await fill(FIRST, FIRST + MORE);
if (store.figures().levels.l1?.entries !== FIRST + MORE) throw new Error('not all are held');
const each = (of: (usage: NodeJS.MemoryUsage) => number) => Math.round((of(after) - of(before)) / MORE);
const figures = {
  resident: each(({ rss }) => rss),
  heap: each(({ heapUsed }) => heapUsed),
  outside: each(({ external }) => external),
};
process.stdout.write(JSON.stringify(figures));

async function fill(from: number, to: number): Promise<NodeJS.MemoryUsage> {
  for (let at = from; at < to; at += 1) {
    const body = Buffer.alloc(2_000, at);
    store.put([sampleEntry(`entry ${at}`, { body, born, tags: [['model:gpt-5-mini', born]] })]);
    if (at % 200 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  globalThis.gc?.();
  await new Promise((resolve) => setTimeout(resolve, 200));
  globalThis.gc?.();
  return process.memoryUsage();
}
