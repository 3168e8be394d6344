import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Catalog } from '../../src/cache/catalog.ts';
import { DiskTier } from '../../src/cache/disk.ts';
import { MemoryTier } from '../../src/cache/memory.ts';
import { Store } from '../../src/cache/store.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { sampleEntry } from '../support/entries.ts';
import { bytesIn } from './start-up.ts';

// A process of its own, started with --expose-gc: `node churn.ts SECONDS`. It writes entries of 2 KB that nobody asks for again, and
// prints as JSON what that comes to: L2 is full after some seconds, and from then on each pushes another out.

const BUDGET = 20_000_000;
/** Entries written in a tick, some thousands a second. */
const BURST = 40;
const TICK_MS = 10;
/** How often is looked. */
const SAMPLES = 20;

const seconds = Number(process.argv[2]);
const folder = await mkdtemp(join(tmpdir(), 'reprise-bench-'));
const catalog = new Catalog();
const disk = await DiskTier.open({
  folder: join(folder, 'l2'),
  maxBytes: BUDGET,
  codec: 'none',
  maxEntry: 16_000_000,
  clock: systemClock,
  watch: catalog.watch('l2'),
  notify: (message) => process.stderr.write(`${message}\n`),
});
const memory = new MemoryTier({ maxEntries: 500, maxBytes: 50_000_000 }, systemClock, catalog.watch('l1'));
const store = new Store(memory, [disk]);

let written = 0;
let largest = 0;
const heaps: number[] = [];
const began = performance.now();
while (performance.now() - began < 1_000 * seconds) {
  const due = (Math.floor((performance.now() - began) / TICK_MS) + 1) * BURST;
  for (; written < due; written += 1) {
    const sample = { body: randomBytes(2_000), born: systemClock.now() };
    store.put([sampleEntry(`entry ${written}`, sample)]);
  }
  await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  if (performance.now() - began < (1_000 * seconds * (heaps.length + 1)) / SAMPLES) continue;
  globalThis.gc?.();
  heaps.push(process.memoryUsage().heapUsed);
  largest = Math.max(largest, await bytesIn(join(folder, 'l2')));
}
const figures = {
  seconds,
  entriesPerSecond: Math.round(written / seconds),
  /** Of L2's folder at its largest, to its budget. */
  disk: largest / BUDGET,
  /** Of the heap at the end, to what it was when a fifth of the time was over. */
  heap: (heaps.at(-1) ?? Number.NaN) / (heaps[Math.floor(heaps.length / 5)] ?? Number.NaN),
};
process.stdout.write(JSON.stringify(figures));
await store.close();
await rm(folder, { recursive: true, force: true });
