import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { ALONE, type Bus, type Peer } from '../cache/bus.ts';
import { RedisBus } from '../cache/redis-bus.ts';
import { redisKeys, WIRE } from '../cache/redis-keys.ts';
import { RedisLeases } from '../cache/redis-leases.ts';
import { RedisLink } from '../cache/redis-link.ts';
import type { Send } from '../cache/redis-run.ts';
import { RedisTier } from '../cache/redis-tier.ts';
import { SharedMarks } from '../cache/shared-marks.ts';
import { SharedSecret } from '../cache/shared-secret.ts';
import { SharedTable } from '../cache/shared-table.ts';
import { SharedTraces } from '../cache/shared-traces.ts';
import type { Tier } from '../cache/tier.ts';
import type { Settings } from '../config/schema.ts';
import type { Events } from '../observe/events.ts';
import type { Clock } from '../shared/clock.ts';
import { parseRedisUrl } from '../shared/redis-address.ts';
import type { Stamps } from '../shared/stamps.ts';
import { longestLifeMs } from './lasting.ts';
import { outagesTold } from './outages.ts';

/** What sharing works with. */
export interface SharingContext {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly events: Events;
  readonly stamps: Stamps;
  readonly version: string;
  /** This installation's own secret. */
  readonly secret: Buffer;
}

/** What instances share, or nothing. */
export interface Sharing {
  readonly bus: Bus;
  readonly tier: Tier | undefined;
  readonly traces: SharedTraces | undefined;
  /** The secret of all instances, as far as it is known when the bus has joined; from then on it stays. */
  readonly secret: () => Buffer;
}

/** Milliseconds that a new connection has until it stands. */
const CONNECT_MS = 2_000;
/** Milliseconds that something may last beyond the longest life that the settings give: an answer may have been on its way for long. */
const DAY_MS = 86_400_000;
/** Milliseconds between two outages that are told. */
const QUIET_MS = 10_000;

/** What instances share by the settings. Nothing is asked of Redis before the bus joins; its client is loaded only where there is one. */
export async function sharingOf(context: SharingContext): Promise<Sharing> {
  const { settings, clock, events, stamps, version, secret } = context;
  const { url = '', prefix, timeout, max_entry: maxRecord, compression } = settings.redis;
  const address = parseRedisUrl(url);
  if (address === undefined) return { bus: ALONE, tier: undefined, traces: undefined, secret: () => secret };
  const { connectRedis } = await import('../cache/redis-client.ts');
  const id = randomUUID();
  const self: Peer = { id, name: `${hostname()}-${id.slice(0, 6)}`, version, wire: WIRE };
  const keys = redisKeys(prefix, address.database);
  const tellOutage = outagesTold({
    events,
    clock,
    what: 'redis',
    quietMs: QUIET_MS,
    over: 'it can be reached again',
  });
  const shared = new SharedMarks();
  const common = new SharedSecret(keys.secret, secret);
  const link: RedisLink = new RedisLink({
    connect: (onLost, signal) =>
      connectRedis({ address, connectMs: CONNECT_MS, name: 'reprise', onLost, signal }),
    clock,
    timeoutMs: timeout,
    greet: (connection) => bus.greet(connection),
    onChange(why) {
      if (why === undefined) resume();
      tellOutage(why);
    },
  });
  const ask: Send = (key, command) => link.ask(key, command);
  const tell: Send = (key, command) => link.askPatiently(key, command);
  const appliedSeq = () => shared.seqAt(stamps.next());
  const leases = new RedisLeases({ ask, tell, keyOf: keys.lease, clock, appliedSeq });
  const table = new SharedTable(keys, self, longestLifeMs(settings) + DAY_MS);
  const resume = () => {
    tier.resume();
    traces.resume();
  };
  const bus: RedisBus = new RedisBus({
    link,
    table,
    shared,
    keys,
    leases,
    secret: common,
    self,
    stamps,
    clock,
    onCaughtUp: resume,
  });
  const isOneServer = address.kind !== 'cluster';
  const tier: RedisTier = new RedisTier({
    link,
    keys,
    shared,
    bus,
    stamps,
    clock,
    codec: compression,
    maxRecord,
    isOneServer,
  });
  const traces: SharedTraces = new SharedTraces({
    ask,
    tell,
    keys,
    shared,
    stamps,
    clock,
    timeoutMs: timeout,
    isJoined: () => bus.isJoined,
  });
  return { bus, tier, traces, secret: () => common.use() };
}
