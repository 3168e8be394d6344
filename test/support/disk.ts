import type { TestContext } from 'node:test';
import { DiskTier } from '../../src/cache/disk.ts';
import type { DiskOptions } from '../../src/cache/disk-options.ts';
import { ManualClock } from './clock.ts';
import { until } from './deadline.ts';
import { tempFolder } from './folder.ts';

/** Opens a disk tier that is closed when the test ends; 50 MB in a folder of its own unless told otherwise. */
export async function openDisk(t: TestContext, options: Partial<DiskOptions> = {}): Promise<DiskTier> {
  const tier = await DiskTier.open({
    folder: tempFolder(),
    maxBytes: 50_000_000,
    codec: 'none',
    maxEntry: 1_000_000,
    clock: new ManualClock(),
    notify: (said) => t.diagnostic(said),
    ...options,
  });
  t.after(() => tier.close());
  return tier;
}

/** Resolves when the tier's index has stopped growing, at `entries` or more of them. */
export function indexed(tier: DiskTier, entries: number): Promise<void> {
  return until(() => tier.figures().entries >= entries, `an index of ${entries} entries`);
}
