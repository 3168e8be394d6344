import { Events } from '../../src/observe/events.ts';
import { LIST_PRICES } from '../../src/observe/list-prices.ts';
import { Monitor } from '../../src/observe/monitor.ts';
import { Prices } from '../../src/observe/prices.ts';
import type { LevelState, Sources, UpstreamState } from '../../src/observe/sources.ts';
import { Histogram } from '../../src/shared/histogram.ts';
import { ManualClock } from './clock.ts';

/** A tier that is half full, and what differs from that. */
export function levelState(more: Partial<LevelState> = {}): LevelState {
  return {
    level: 'l1',
    kind: 'memory',
    entries: 500,
    maxEntries: 1_000,
    bytes: 500_000,
    maxBytes: 256_000_000,
    hits: 0,
    misses: 0,
    evictions: 0,
    unexpired: 0,
    expirations: 0,
    faults: 0,
    promotions: 0,
    lookups: new Histogram(),
    health: { state: 'ok' },
    ...more,
  };
}

/** An upstream that is up, and what differs from that. */
export function upstreamState(more: Partial<UpstreamState> = {}): UpstreamState {
  return { state: 'up', running: 0, waiting: 0, full: false, ...more };
}

/** A monitor whose time and surroundings are the test's. */
export function testMonitor(sources: Partial<Sources> = {}) {
  const clock = new ManualClock();
  const events = new Events();
  const monitor = new Monitor({
    clock,
    events,
    prices: new Prices(LIST_PRICES),
    sources: {
      profile: 'testing',
      types: new Map([['products', { ttl: 600_000, mode: 'on' }]]),
      bus: () => undefined,
      threads: () => undefined,
      levels: () => [levelState()],
      upstreams: () => new Map([['default', upstreamState()]]),
      places: () => [],
      disk: () => undefined,
      alertPosts: () => undefined,
      spans: () => undefined,
      wallClock: clock,
      ...sources,
    },
  });
  return { clock, events, monitor };
}
