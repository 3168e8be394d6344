import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiskTier } from '../../src/cache/disk.ts';
import { MemoryTier } from '../../src/cache/memory.ts';
import { Store } from '../../src/cache/store.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { sampleEntry } from '../support/entries.ts';
import { median } from './measure.ts';

/** Milliseconds that one call took, as a mean over the calls of a run; of the runs the median. */
export interface TierCosts {
  /** Of 100 writes of 2 KB. */
  readonly write: number;
  /** Of 100 reads of what L1 holds. */
  readonly read: number;
  /** Of 50 look-ups of what no tier holds. */
  readonly miss: number;
}

/** What the tiers cost: one stack of L1 and L2, new in each run. */
export async function measureTiers(runs: number): Promise<TierCosts> {
  const costs: TierCosts[] = [];
  for (let run = 0; run < runs; run += 1) costs.push(await measureOnce());
  return {
    write: median(costs.map(({ write }) => write)),
    read: median(costs.map(({ read }) => read)),
    miss: median(costs.map(({ miss }) => miss)),
  };
}

async function measureOnce(): Promise<TierCosts> {
  const folder = await mkdtemp(join(tmpdir(), 'reprise-bench-'));
  const disk = await DiskTier.open({
    folder,
    maxBytes: 50_000_000,
    codec: 'none',
    maxEntry: 16_000_000,
    clock: systemClock,
    notify: () => {},
  });
  const store = new Store(new MemoryTier({ maxEntries: 500, maxBytes: 50_000_000 }, systemClock), [disk]);
  const born = systemClock.now();
  const entries = Array.from({ length: 100 }, (_, at) =>
    sampleEntry(`entry ${at}`, { body: Buffer.alloc(2_000, at), born }),
  );
  const write = await perCall(entries, (entry) => store.put([entry]));
  const read = await perCall(entries, ({ key }) => store.peek(key.id));
  const unknown = Array.from({ length: 50 }, (_, at) => String(at).padStart(43, 'm'));
  const miss = await perCall(unknown, async (id) => store.peek(id) ?? (await store.find(id)));
  await store.close();
  await rm(folder, { recursive: true, force: true });
  return { write, read, miss };
}

async function perCall<T>(all: readonly T[], call: (one: T) => unknown): Promise<number> {
  const began = performance.now();
  for (const one of all) await call(one);
  return (performance.now() - began) / all.length;
}
