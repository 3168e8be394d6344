import type { TestContext } from 'node:test';
import { DiskTier } from '../../src/cache/disk.ts';
import { MemoryTier } from '../../src/cache/memory.ts';
import type { Tier } from '../../src/cache/tier.ts';
import type { Codec } from '../../src/codec/compress.ts';
import { ChaosTier } from '../support/chaos-tier.ts';
import type { ManualClock } from '../support/clock.ts';
import { tempFolder } from '../support/folder.ts';
import { hubTierOf } from '../support/hub-tier.ts';
import { tierContract } from './tier.ts';

const MB = 1_000_000;

function disk(codec: Codec): (clock: ManualClock, t: TestContext) => Promise<DiskTier> {
  return (clock, t) =>
    DiskTier.open({
      folder: tempFolder(),
      maxBytes: 50 * MB,
      codec,
      maxEntry: MB,
      clock,
      notify: (said) => t.diagnostic(said),
    });
}

async function flush(tier: Tier): Promise<void> {
  if (tier instanceof DiskTier) await tier.flush();
}

tierContract({
  name: 'memory',
  open: async (clock) => new MemoryTier({ maxEntries: 3_000, maxBytes: 50 * MB }, clock),
});
for (const codec of ['none', 'gzip', 'zstd'] as const) {
  tierContract({ name: `disk, ${codec}`, open: disk(codec), settle: flush });
}
tierContract({
  name: 'memory of another thread',
  open: async (clock) => hubTierOf(new MemoryTier({ maxEntries: 3_000, maxBytes: 50 * MB }, clock)),
});
tierContract({
  name: 'disk with faults',
  open: async (clock, t) => {
    const faults = { miss: 0.1, delay: 0.3, drop: 0.1 };
    return new ChaosTier(await disk('gzip')(clock, t), 7, faults);
  },
  lossy: true,
});
