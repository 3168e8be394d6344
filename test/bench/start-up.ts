import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiskTier } from '../../src/cache/disk.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { sampleEntry } from '../support/entries.ts';
import { type ServerProcess, startServer } from '../support/server/process.ts';
import { median } from './measure.ts';

/** A start with a full L2. */
export interface StartUp {
  /** Bytes of its folder. */
  readonly bytes: number;
  readonly entries: number;
  /** Milliseconds from the process's start until it says that it is ready, and serves what lies there: after a stop in order. */
  readonly readyMs: number;
  /** The same after a process that was killed, when all of L2 is checked before. */
  readonly afterKillMs: number;
}

/** Fills an L2 of `maxBytes` with entries of 16 KB and starts with it `runs` times; of the times the median. */
export async function measureStartUp(maxBytes: number, runs: number): Promise<StartUp> {
  const folder = await mkdtemp(join(tmpdir(), 'reprise-bench-'));
  const profile = { disk: { max_bytes: `${maxBytes}B` }, log: { level: 'warn' } };
  try {
    // A first start makes what belongs to the folder.
    await (await startServer(profile, folder)).stop();
    const l2 = join(folder, 'data', 'l2');
    const entries = await fill(l2, maxBytes);
    const starts = async (end: (server: ServerProcess) => Promise<unknown>) => {
      const times: number[] = [];
      for (let run = 0; run < runs; run += 1) {
        const began = performance.now();
        const server = await startServer(profile, folder);
        times.push(performance.now() - began);
        await end(server);
      }
      return median(times);
    };
    const readyMs = await starts((server) => server.stop());
    await (await startServer(profile, folder)).kill();
    const afterKillMs = await starts((server) => server.kill());
    return { bytes: await bytesIn(l2), entries, readyMs, afterKillMs };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function fill(folder: string, maxBytes: number): Promise<number> {
  const options = { folder, maxBytes, codec: 'none', maxEntry: 16_000_000, clock: systemClock } as const;
  const disk = await DiskTier.open({ ...options, notify: () => {} });
  const born = systemClock.now();
  let entries = 0;
  while (disk.figures().bytes < 0.97 * maxBytes) {
    for (let some = 0; some < 100; some += 1) {
      entries += 1;
      disk.set(sampleEntry(`entry ${entries}`, { body: randomBytes(16_000), born }));
    }
    await disk.flush();
  }
  await disk.close();
  return entries;
}

/** Bytes of the files in a folder. */
export async function bytesIn(folder: string): Promise<number> {
  const names = await readdir(folder);
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
