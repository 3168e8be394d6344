import { ALONE, type Bus } from '../cache/bus.ts';
import { Catalog } from '../cache/catalog.ts';
import { Graves } from '../cache/graves.ts';
import type { Watch } from '../cache/listed.ts';
import { Marks } from '../cache/marks.ts';
import { MemoryTier } from '../cache/memory.ts';
import type { SharedTraces } from '../cache/shared-traces.ts';
import { Store } from '../cache/store.ts';
import type { Tier } from '../cache/tier.ts';
import type { Settings } from '../config/schema.ts';
import { Invalidations } from '../invalidation/invalidations.ts';
import { replicaOf } from '../invalidation/replica.ts';
import { Upkeep } from '../invalidation/upkeep.ts';
import type { Events } from '../observe/events.ts';
import type { Background } from '../shared/background.ts';
import type { Cell } from '../shared/cell.ts';
import { type Clock, every } from '../shared/clock.ts';
import { isOver } from '../shared/life.ts';
import { Stamps } from '../shared/stamps.ts';
import { type DataFolder, keepSecret, openDataFolder } from './data-folder.ts';
import { longestCallMs } from './lasting.ts';
import { sharingOf } from './sharing.ts';

/** What the engine works with. */
export interface EngineContext {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly events: Events;
  readonly background: Background;
  /** The product's version, as other instances are told it. */
  readonly version: string;
  /** Absent where no other threads answer requests. */
  readonly inCommon?: EngineInCommon | undefined;
}

/** What the engine has in common with the threads that answer requests. */
export interface EngineInCommon {
  /** What `Stamps` count with. */
  readonly lastStamp: Cell;
  readonly marks: Marks;
  readonly graves: Graves;
  /** What the engine's own memory tells what it holds, where `watch` is to be told what any thread does. */
  watchFor(watch: Watch): Watch;
}

/** The cache itself: its tiers, what is invalid in them, and what joins it with others. */
export interface Engine {
  readonly stamps: Stamps;
  readonly marks: Marks;
  readonly graves: Graves;
  readonly catalog: Catalog;
  readonly data: DataFolder;
  readonly store: Store;
  /** Those below L1, the fastest first; where there is no disk, this L1 is below those of other threads, too. */
  readonly tiers: readonly Tier[];
  readonly bus: Bus;
  /** What scopes are made under. */
  readonly secret: Buffer;
  readonly invalidations: Invalidations;
  /** What traces are told, at all instances; undefined where there is one. */
  readonly traces: SharedTraces | undefined;
  /** Begins to do what is to be done every while. */
  tend(): void;
  /** Writes what is queued, and lets go of everything. */
  close(): Promise<void>;
}

/** What traces were told is remembered for ten minutes before a call inherits it; more is on the safe side. */
const TRACES_LAST_MS = 3_600_000;

/** Opens the tiers, and joins the other instances. Rejects if another process has the data folder. */
export async function openEngine(context: EngineContext): Promise<Engine> {
  const { settings, clock, events, background, version, inCommon } = context;
  const stamps = new Stamps(clock, inCommon?.lastStamp);
  const marks = inCommon?.marks ?? new Marks();
  const graves = inCommon?.graves ?? new Graves(clock);
  const catalog = new Catalog(
    (listed) => !isOver(listed, clock.now()) && marks.standing(listed) !== 'purged',
  );
  const watch = catalog.watch('l2');
  const data = await openDataFolder({ settings, clock, events, background, marks, stamps, watch });
  const { max_entries: maxEntries, max_bytes: maxBytes } = settings.memory;
  const upper = catalog.watch('l1');
  const memory = new MemoryTier({ maxEntries, maxBytes }, clock, inCommon?.watchFor(upper) ?? upper);
  const sharing = await sharingOf({ settings, clock, events, stamps, version, secret: data.secret });
  const { bus, tier, traces } = sharing;
  const lower = [data.disk, tier].filter((one) => one !== undefined);
  const store = new Store(memory, lower, { clock, isCurrent: () => bus.isCurrent });
  const { markLog } = data;
  const invalidations = new Invalidations({
    stamps,
    marks,
    catalog,
    background,
    bus,
    keep: async (made) => await (bus === ALONE ? markLog?.keep(made) : markLog?.keepOwn(made)),
    remove(id) {
      store.bury(id);
      graves.note(id);
    },
  });
  let tending = { cancel() {} };
  const close = async () => {
    tending.cancel();
    await background.drain();
    await data.deliveries.close();
    await data.lineage.close();
    await store.close();
    await bus.close();
    await background.drain();
    await markLog?.close();
  };
  const sweep = invalidations.sweep.bind(invalidations);
  await bus.join(replicaOf({ marks, stamps, background, log: markLog, sweep }));
  const health = bus.health();
  if (settings.redis.required && health.state === 'degraded') {
    await close();
    throw new Error(`Redis, which redis.required asks for, cannot be used: ${health.reason}`);
  }
  const secret = sharing.secret();
  if (!secret.equals(data.secret)) await keepSecret(secret, { settings, events });
  const upkeep = new Upkeep({
    store,
    invalidations,
    marks,
    stamps,
    clock,
    isListed: () => data.disk?.isListed !== false,
    longestMs: longestCallMs(settings) + TRACES_LAST_MS,
  });
  return {
    stamps,
    marks,
    graves,
    catalog,
    data,
    store,
    tiers: data.disk === undefined ? [memory, ...lower] : lower,
    bus,
    secret,
    invalidations,
    traces,
    tend() {
      tending = every(clock, settings.sweep_every, () => background.run('sweep', upkeep.run()));
    },
    close,
  };
}
