import { totalmem } from 'node:os';
import type { Bus } from '../cache/bus.ts';
import { Flights } from '../cache/flights.ts';
import type { Graves } from '../cache/graves.ts';
import type { Marks } from '../cache/marks.ts';
import type { Store } from '../cache/store.ts';
import type { Settings } from '../config/schema.ts';
import { ENDPOINTS } from '../endpoints/table.ts';
import { withTags } from '../endpoints/tagged.ts';
import { AskedLately } from '../http/asked.ts';
import { answeringAtOnce } from '../http/at-once.ts';
import { bindEndpoints, bindRoutes } from '../http/bindings.ts';
import { BodyRoom } from '../http/body-room.ts';
import { Claims } from '../http/claims.ts';
import { placeOf } from '../http/classify.ts';
import { type DataPlaneContext, dataPlane } from '../http/data-plane.ts';
import type { FetchContext } from '../http/fetch.ts';
import type { FetchPolicy } from '../http/fetch-work.ts';
import type { Slot } from '../http/flight.ts';
import { Followers } from '../http/followers.ts';
import { Heads } from '../http/heads.ts';
import { Leases } from '../http/leases.ts';
import type { DataListener } from '../http/listener.ts';
import type { OtherThreads } from '../http/other-threads.ts';
import type { SettlingStores } from '../http/settling-stores.ts';
import type { Sample } from '../http/tracing.ts';
import { openTunnel, type TunnelContext } from '../http/tunnel.ts';
import type { VectorStoreWrites } from '../http/vector-store-writes.ts';
import type { Events } from '../observe/events.ts';
import type { Access } from '../policy/access.ts';
import type { Traces } from '../policy/lineage.ts';
import { type TagRule, TagRules } from '../policy/tag-rules.ts';
import type { Background } from '../shared/background.ts';
import type { Clock } from '../shared/clock.ts';
import type { Stamps } from '../shared/stamps.ts';
import type { Upstreams } from './upstreams.ts';

/** What a data plane is put together of. */
export interface DataPlaneParts {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly events: Events;
  readonly background: Background;
  readonly access: Access;
  readonly upstreams: Upstreams;
  readonly store: Store;
  readonly bus: Pick<Bus, 'lease'>;
  /** Those that share streams with this one; undefined where there are none. */
  readonly threads?: OtherThreads | undefined;
  readonly stamps: Stamps;
  readonly marks: Marks;
  readonly graves: Graves;
  readonly lineage: Traces;
  readonly settling: SettlingStores;
  readonly storeWrites: VectorStoreWrites;
  /** Decides which traces are recorded; undefined where nothing is traced. */
  readonly sample: Sample | undefined;
}

/** Bytes of all request bodies that one thread may hold at once: of the whole its part, and one body at least. */
function mostOfBodies({ max_body: one, max_bodies: all, workers }: Settings['server']): number {
  return Math.max(one, Math.floor((all ?? memoryBytes() / 4) / workers));
}

/** The memory of the machine, or of the container where that has less. */
function memoryBytes(): number {
  return Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
}

/** Puts a data plane together, with flights of its own, and a memory of its own of what came lately. */
export function dataPlaneOf(parts: DataPlaneParts): DataListener {
  const { settings, clock, store, bus, marks, threads } = parts;
  const { byName: upstreams, fallback } = parts.upstreams;
  const offers = [...settings.upstreams].map(([name, offer]) => {
    return { ...offer, upstream: upstreams.get(name) ?? fallback };
  });
  const rulesOf = ({ type, tags = [] }: { readonly type: string; readonly tags?: readonly TagRule[] }) =>
    new TagRules([...(settings.types.get(type)?.tags ?? []), ...tags], () => clock.elapsed());
  const endpoints = ENDPOINTS.map((endpoint) => withTags(endpoint, rulesOf(endpoint), 'api'));
  const bindings = [
    ...bindRoutes(settings.routes, upstreams, rulesOf),
    ...bindEndpoints(endpoints, offers, fallback),
  ];
  const { server, memory } = settings;
  // A head is a few hundred bytes, and shared by all requests of a client.
  const headBytes = Math.floor(memory.plans / 4);
  const heads = new Heads(headBytes, (method, path) => placeOf({ bindings, upstreams }, method, path));
  const flights = new Flights<Slot>();
  const fetching: FetchContext = { ...parts, flights, maxEntry: server.max_entry };
  const claims = threads && new Claims(fetching, threads);
  if (claims !== undefined) threads?.listen(new Followers(flights, claims, clock).take);
  const context: DataPlaneContext & TunnelContext = {
    ...parts,
    ...fetching,
    askedLately: new AskedLately(memory.plans - headBytes),
    upstreams,
    fallback,
    policyOf: (type) => policyOf(settings, type),
    maxBody: server.max_body,
    bodies: new BodyRoom(mostOfBodies(server)),
    sharedMs: settings.redis.timeout,
    leases: new Leases({ bus, store, flights, clock, marks, waitMs: settings.redis.lease_wait, claims }),
  };
  return {
    readHead: (incoming) => heads.read(incoming),
    serveData: dataPlane(context),
    openTunnel: (incoming, early) => openTunnel(context, incoming, early),
    corsOrigins: server.cors.origins,
    // What of an answer is of one origin, or of one trace, is not kept with it.
    atOnce:
      server.cors.origins.length > 0 || parts.sample !== undefined ? undefined : answeringAtOnce(context),
  };
}

/** The policy of this name. Throws for one that the settings do not name: whoever asks has it from them. */
export function policyOf({ types }: Settings, type: string): FetchPolicy {
  const policy = types.get(type);
  if (policy === undefined) throw new Error(`the settings name no type "${type}"`);
  return policy;
}
