import { ALONE } from '../../../src/cache/bus.ts';
import { Catalog } from '../../../src/cache/catalog.ts';
import { Flights } from '../../../src/cache/flights.ts';
import { Graves } from '../../../src/cache/graves.ts';
import type { Watch } from '../../../src/cache/listed.ts';
import type { Mark } from '../../../src/cache/mark.ts';
import { Marks } from '../../../src/cache/marks.ts';
import { MemoryTier } from '../../../src/cache/memory.ts';
import { Store } from '../../../src/cache/store.ts';
import type { Tier } from '../../../src/cache/tier.ts';
import { ENDPOINTS } from '../../../src/endpoints/table.ts';
import { withTags } from '../../../src/endpoints/tagged.ts';
import { AskedLately } from '../../../src/http/asked.ts';
import { bindEndpoints, bindRoutes } from '../../../src/http/bindings.ts';
import { BodyRoom } from '../../../src/http/body-room.ts';
import { placeOf } from '../../../src/http/classify.ts';
import type { DataPlaneContext } from '../../../src/http/data-plane.ts';
import type { Slot } from '../../../src/http/flight.ts';
import { Heads } from '../../../src/http/heads.ts';
import { Leases } from '../../../src/http/leases.ts';
import { SettlingStores } from '../../../src/http/settling-stores.ts';
import { VectorStoreWrites } from '../../../src/http/vector-store-writes.ts';
import { Invalidations } from '../../../src/invalidation/invalidations.ts';
import { Upkeep } from '../../../src/invalidation/upkeep.ts';
import { Events } from '../../../src/observe/events.ts';
import type { Lineage } from '../../../src/policy/lineage.ts';
import { passthroughAccess } from '../../../src/policy/passthrough.ts';
import { Scopes } from '../../../src/policy/scope.ts';
import { TagRules } from '../../../src/policy/tag-rules.ts';
import { Background } from '../../../src/shared/background.ts';
import { type Clock, neverBack } from '../../../src/shared/clock.ts';
import { Stamps } from '../../../src/shared/stamps.ts';
import { Gate } from '../../../src/upstream/gate.ts';
import { Health } from '../../../src/upstream/health.ts';
import type { Upstream } from '../../../src/upstream/upstream.ts';
import type { HeldUpstream } from './upstream.ts';

/** Lifetimes, in milliseconds. */
export const TTL = 60_000;
const POLICY = {
  ttl: TTL,
  stale_while_revalidate: 30_000,
  stale_if_error: 120_000,
  negative_ttl: 0,
  sampling: 'any',
  mode: 'on',
  on_abandon: 'finish',
  linger: 0,
} as const;

const RETRY_AFTER_FAILURE = 5_000;
const LONGEST_CALL = 600_000;

/** What the rest of a process is made of; the beginnings of it, for which order matters, come first. */
export interface Beginning {
  readonly clock: Clock;
  readonly stamps: Stamps;
  readonly marks: Marks;
}

/** What lies on the disk, however that is done. */
export interface Durable {
  readonly tier: Tier;
  readonly lineage: Lineage;
  readonly isListed: () => boolean;
  readonly keep: (marks: readonly Mark[]) => Promise<void>;
}

/** The engine and the pipeline of one process, put together as the composition root does it, without a server. */
export interface Engine {
  readonly heads: Heads;
  readonly stamps: Stamps;
  readonly context: DataPlaneContext;
  readonly store: Store;
  readonly catalog: Catalog;
  readonly invalidations: Invalidations;
  readonly upkeep: Upkeep;
  readonly background: Background;
}

/** Starts one. `open` gives what it keeps on disk. */
export async function startEngine(
  machine: Clock,
  client: HeldUpstream,
  open: (begun: Beginning, watch: Watch) => Promise<Durable>,
): Promise<Engine> {
  const clock = neverBack(machine);
  const stamps = new Stamps(clock);
  const marks = new Marks();
  const graves = new Graves(clock);
  const background = new Background((label, message) => {
    throw new Error(`${label}: ${message}`);
  });
  const catalog = new Catalog();
  const durable = await open({ clock, stamps, marks }, catalog.watch('l2'));
  const memory = new MemoryTier({ maxEntries: 1_000, maxBytes: 1e8 }, clock, catalog.watch('l1'));
  const store = new Store(memory, [durable.tier]);
  const invalidations = new Invalidations({
    stamps,
    marks,
    catalog,
    background,
    bus: ALONE,
    keep: durable.keep,
    remove(id) {
      store.delete(id);
      graves.note(id);
    },
  });
  const upkeep = new Upkeep({
    store,
    invalidations,
    marks,
    stamps,
    clock,
    isListed: durable.isListed,
    longestMs: LONGEST_CALL,
  });
  const upstream = upstreamOf(client, clock);
  const upstreams = new Map([[upstream.name, upstream]]);
  const rules = (...written: ConstructorParameters<typeof TagRules>[0]) =>
    new TagRules(written, () => clock.elapsed());
  const bindings = [
    ...bindRoutes([PRODUCTS, SEARCHES], upstreams, ({ name }) =>
      name === 'search' ? rules({ json: '$.products[*]', tag: 'product:{value}' }) : rules(),
    ),
    ...bindEndpoints(
      ENDPOINTS.map((endpoint) => withTags(endpoint, rules(), 'api')),
      [],
      upstream,
    ),
  ];
  const heads = new Heads(0, (method, path) => placeOf({ bindings, upstreams }, method, path));
  const flights = new Flights<Slot>();
  const context: DataPlaneContext = {
    askedLately: new AskedLately(1_000_000),
    fallback: upstream,
    access: passthroughAccess(new Scopes(Buffer.alloc(32))),
    policyOf: () => POLICY,
    maxBody: 1_000_000,
    bodies: new BodyRoom(1_000_000),
    maxEntry: 1_000_000,
    sharedMs: 0,
    store,
    stamps,
    marks,
    graves,
    lineage: durable.lineage,
    settling: new SettlingStores({ clock, stamps, marks }),
    storeWrites: new VectorStoreWrites({ background, purge: async () => {} }),
    flights,
    leases: new Leases({ bus: ALONE, store, flights, clock, marks, waitMs: 0, claims: undefined }),
    clock,
    background,
    events: new Events(),
  };
  return { heads, stamps, context, store, catalog, invalidations, upkeep, background };
}

const ROUTE = {
  key: { query: '*', headers: [], body: true },
  respect_upstream: false,
  upstream: 'default',
} as const;
const PRODUCTS = {
  ...ROUTE,
  name: 'product',
  type: 'products',
  match: { method: ['GET'], path: '/catalog/{id}' },
} as const;
const SEARCHES = {
  ...ROUTE,
  name: 'search',
  type: 'search_results',
  match: { method: ['GET'], path: '/search' },
} as const;

function upstreamOf(client: HeldUpstream, clock: Clock): Upstream {
  const policy = { failures: 1_000, probeMs: 1_000, retryAfterFailureMs: RETRY_AFTER_FAILURE };
  return {
    name: 'default',
    baseUrl: 'http://upstream/v1',
    origin: 'http://upstream',
    dialect: 'generic',
    credential: undefined,
    injectUsage: true,
    deadlineMs: LONGEST_CALL,
    retryAfterFailureMs: RETRY_AFTER_FAILURE,
    client,
    health: new Health(policy, clock),
    gate: new Gate({ max: undefined, queue: 0, waitMs: 0 }, clock),
  };
}
