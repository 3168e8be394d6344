import assert from 'node:assert/strict';
import { MessageChannel } from 'node:worker_threads';
import type { Tier } from '../../src/cache/tier.ts';
import { HubTier } from '../../src/workers/hub-tier.ts';
import { foundIn, pack, unpack } from '../../src/workers/parcel.ts';
import { type Calls, Wire } from '../../src/workers/wire.ts';

/** A tier as another thread sees it: everything goes over a wire, but for what only the thread that has it does. */
export function hubTierOf(tier: Tier): Tier {
  const { port1, port2 } = new MessageChannel();
  const unexpected = (label: string, message: string) => assert.fail(`${label}: ${message}`);
  const far = new Wire<Calls>(
    port2,
    {
      get: async ({ ids }: { ids: readonly string[] }) => pack(await foundIn(tier, ids)),
      set: (parcel: Parameters<typeof unpack>[0]) => {
        for (const entry of unpack(parcel)) tier.set(entry);
      },
      remove: ({ id }: { id: string }) => tier.delete(id),
    },
    unexpected,
  );
  const near = new HubTier(
    { level: tier.level, isShared: false },
    {
      wire: new Wire(port1, {}, unexpected),
      touched: (_level, id) => tier.touch(id),
      deleted: () => undefined,
    },
  );
  return {
    level: tier.level,
    get: (id) => near.get(id),
    getMany: (ids) => near.getMany(ids),
    set: (entry) => near.set(entry),
    delete: (id) => near.delete(id),
    touch: (id) => near.touch(id),
    sweep() {
      far.drain();
      return tier.sweep();
    },
    figures: () => tier.figures(),
    health: () => tier.health(),
    async close() {
      far.close();
      await tier.close();
    },
  };
}
