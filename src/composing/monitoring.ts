import type { Bus } from '../cache/bus.ts';
import type { Catalog } from '../cache/catalog.ts';
import { AT_WORST } from '../cache/disk-space.ts';
import type { Store } from '../cache/store.ts';
import type { Settings } from '../config/schema.ts';
import type { Sample } from '../http/tracing.ts';
import type { Events } from '../observe/events.ts';
import { KeptFigures } from '../observe/kept-figures.ts';
import { LIST_PRICES } from '../observe/list-prices.ts';
import { Metrics } from '../observe/metrics.ts';
import { Monitor } from '../observe/monitor.ts';
import { type Price, Prices } from '../observe/prices.ts';
import type { DiskState, LevelState, Sources, UpstreamState } from '../observe/sources.ts';
import type { Background } from '../shared/background.ts';
import { type Clock, every } from '../shared/clock.ts';
import { Histogram } from '../shared/histogram.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { openAlertPosts } from './alert-posts.ts';
import { type FreeSpace, measureFreeSpace } from './free-space.ts';
import { kept } from './kept.ts';
import { openTracing } from './tracing.ts';

/** What monitoring watches. */
export interface MonitoringContext {
  readonly settings: Settings;
  readonly profile: string;
  readonly clock: Clock;
  /** The machine's, which may go back. */
  readonly wallClock: Clock;
  readonly events: Events;
  readonly background: Background;
  readonly env: NodeJS.ProcessEnv;
  /** This program's. */
  readonly version: string;
  readonly store: Pick<Store, 'levels' | 'figures' | 'health'>;
  readonly bus: Bus;
  readonly threads: Sources['threads'];
  readonly catalog: Catalog;
  readonly upstreams: ReadonlyMap<string, Upstream>;
}

/** Monitoring as it runs. */
export interface Monitoring {
  readonly monitor: Monitor;
  readonly metrics: Metrics;
  /** Decides which traces are recorded; undefined where nothing is traced. */
  readonly sample: Sample | undefined;
  /** Ends it; resolves when its totals are written. */
  close(): Promise<void>;
  /** Sends the alerts and spans that wait. To be called last: whoever gets them may be slow, or gone. */
  flush(): Promise<void>;
}

const WRITE_EVERY_MS = 60_000;

/** Begins to watch. Totals of an earlier run go on; where they cannot be kept, they begin anew. */
export async function openMonitoring(context: MonitoringContext): Promise<Monitoring> {
  const freeSpace = measureFreeSpace(context);
  const alertPosts = openAlertPosts(context);
  const tracing = await openTracing(context);
  const { settings, profile, clock, events, background, store, bus, threads, catalog, upstreams } = context;
  const monitor = new Monitor({
    clock,
    events,
    prices: new Prices(LIST_PRICES, pricesOf(settings)),
    sources: {
      profile,
      types: settings.types,
      levels: () => levelsOf(store),
      bus: () => bus.figures(),
      threads,
      upstreams: () => new Map([...upstreams].map(([name, upstream]) => [name, stateOf(upstream)])),
      places: () => catalog.places(),
      disk: () => diskOf(store, freeSpace),
      wallClock: context.wallClock,
      alertPosts: () => alertPosts?.counts,
      spans: () => tracing?.counts,
    },
  });
  const totals = await kept(
    context,
    'figures.json',
    'totals of figures',
    'they begin anew, and will be lost at a restart',
    async (path) => (path === undefined ? undefined : await KeptFigures.open(path, monitor)),
  );
  const writing = every(clock, WRITE_EVERY_MS, () => {
    if (totals !== undefined) background.run('writing the totals of figures', totals.write());
  });
  return {
    monitor,
    metrics: new Metrics(monitor),
    sample: tracing?.sample,
    async close() {
      writing.cancel();
      freeSpace.close();
      monitor.close();
      if (totals !== undefined) background.run('writing the totals of figures', totals.write());
      await background.drain();
    },
    async flush() {
      await Promise.all([alertPosts?.close(), tracing?.close()]);
    },
  };
}

function pricesOf({ prices }: Settings): ReadonlyMap<string, Price> {
  return new Map(
    [...prices].map(([model, price]) => [
      model,
      {
        input: price.input,
        cachedInput: price.cached_input,
        cacheWrite: price.cache_write,
        output: price.output,
        perQuery: price.per_query,
      },
    ]),
  );
}

const KINDS = { l1: 'memory', l2: 'disk', l3: 'redis' } as const;

function levelsOf(store: MonitoringContext['store']): readonly LevelState[] {
  const { levels, lookups, promotions } = store.figures();
  const health = store.health();
  return store.levels.flatMap((level) => {
    const figures = levels[level];
    if (figures === undefined) return [];
    return [
      {
        ...figures,
        level,
        kind: KINDS[level],
        promotions: promotions[level] ?? 0,
        lookups: lookups[level] ?? new Histogram(),
        health: health[level] ?? { state: 'ok' as const },
      },
    ];
  });
}

function diskOf(store: Pick<Store, 'figures'>, { bytes: free }: FreeSpace): DiskState | undefined {
  const { maxBytes, bytes } = store.figures().levels.l2 ?? {};
  if (free === undefined || maxBytes === undefined || bytes === undefined) return undefined;
  return { free, growth: Math.max(0, AT_WORST * maxBytes - bytes) };
}

function stateOf({ health, gate }: Upstream): UpstreamState {
  return { state: health.state(), running: gate.inside, waiting: gate.waiting, full: gate.full };
}
