import { readFileSync } from 'node:fs';
import { Catalog } from './cache/catalog.ts';
import { Flights } from './cache/flights.ts';
import { Graves } from './cache/graves.ts';
import { Marks } from './cache/marks.ts';
import { MemoryTier } from './cache/memory.ts';
import { Store } from './cache/store.ts';
import { accessOf } from './composing/access.ts';
import { openDataFolder } from './composing/data-folder.ts';
import { openMonitoring } from './composing/monitoring.ts';
import { upstreamsOf } from './composing/upstreams.ts';
import { adminToken } from './config/admin-token.ts';
import type { Settings } from './config/schema.ts';
import { createControlApp } from './control/app.ts';
import { cacheCalls } from './control/cache-calls.ts';
import type { ControlCall } from './control/call.ts';
import { alertChecks, healthChecks } from './control/checks.ts';
import { dashboardCall } from './control/dashboard-call.ts';
import { type HealthContext, healthCalls, statusOf } from './control/health.ts';
import { liveCall } from './control/live-call.ts';
import { monitoringCalls } from './control/monitoring-calls.ts';
import { readPageFiles } from './control/page-files.ts';
import { storedValues } from './control/values.ts';
import { webhookCall } from './control/webhooks.ts';
import { ENDPOINTS } from './endpoints/table.ts';
import { withTags } from './endpoints/tagged.ts';
import { AskedLately } from './http/asked.ts';
import { bindEndpoints, bindRoutes } from './http/bindings.ts';
import { placeOf } from './http/classify.ts';
import { type DataPlaneContext, dataPlane } from './http/data-plane.ts';
import type { Slot } from './http/fetch.ts';
import { Heads } from './http/heads.ts';
import { type Certificate, createListener, type DataListener } from './http/listener.ts';
import { Service } from './http/service.ts';
import { verdictOn } from './http/shelf.ts';
import { openTunnel } from './http/tunnel.ts';
import { VectorStoreWrites } from './http/vector-store-writes.ts';
import { audited } from './invalidation/audited.ts';
import { Invalidations } from './invalidation/invalidations.ts';
import type { Invalidator } from './invalidation/invalidator.ts';
import { told } from './invalidation/told.ts';
import { Upkeep } from './invalidation/upkeep.ts';
import { Webhooks } from './invalidation/webhooks.ts';
import type { Events } from './observe/events.ts';
import { AdminToken } from './policy/admin-token.ts';
import { Lineage } from './policy/lineage.ts';
import { Scopes } from './policy/scope.ts';
import { type TagRule, TagRules } from './policy/tag-rules.ts';
import { Background } from './shared/background.ts';
import { type Clock, every, neverBack } from './shared/clock.ts';
import { isOver } from './shared/life.ts';
import { Stamps } from './shared/stamps.ts';
import { fetchJson } from './upstream/fetch-json.ts';

/** What the process brings along, beside its settings. */
export interface Surroundings {
  readonly clock: Clock;
  readonly events: Events;
  /** Names the proxies that upstreams are reached through, and holds the admin token. */
  readonly env: NodeJS.ProcessEnv;
  /** The profile's name, as it is shown. */
  readonly profile?: string;
  /** Carries invalidations out in the place of the cache itself. */
  readonly invalidator?: Invalidator;
}

/** The whole, as it runs. */
export interface Composed {
  /** Closes everything again, in reverse, when it is stopped. */
  readonly service: Service;
  /** Where the control plane listens: like the service, or at a port of its own. */
  readonly controlUrl: string;
}

/**
 * Builds the whole object graph once, and opens it for requests. Rejects if the data folder is in use by another process,
 * or an address cannot be listened on.
 */
export async function compose(settings: Settings, surroundings: Surroundings): Promise<Composed> {
  const { events, env } = surroundings;
  const clock = neverBack(surroundings.clock);
  const background = new Background((label, message) =>
    events.emit({ kind: 'background-failed', label, message }),
  );
  const certificate = certificateOf(settings);
  const secret = adminToken(env);
  const token = secret === undefined ? undefined : new AdminToken(secret);

  const stamps = new Stamps(clock);
  const marks = new Marks();
  const graves = new Graves(clock);
  const catalog = new Catalog(
    (listed) => !isOver(listed, clock.now()) && marks.standing(listed) !== 'purged',
  );
  const watch = catalog.watch('l2');
  const data = await openDataFolder({ settings, clock, events, background, marks, stamps, watch });
  const { max_entries: maxEntries, max_bytes: maxBytes } = settings.memory;
  const memory = new MemoryTier({ maxEntries, maxBytes }, clock, catalog.watch('l1'));
  const store = new Store(memory, data.disk, clock);
  const invalidations = new Invalidations({
    stamps,
    marks,
    catalog,
    background,
    keep: async (made) => await data.markLog?.keep(made),
    remove(id) {
      store.delete(id);
      graves.note(id);
    },
  });
  const carrier = surroundings.invalidator ?? invalidations;
  const invalidator = audited(carrier, told(data.audit, events), surroundings.clock);
  // Not in the audit log: a thousand uploaded files would push out of it what people asked for.
  const storeWrites = new VectorStoreWrites({
    clock,
    background,
    async purge(tag) {
      const order = {
        condition: { tags: [tag] },
        effect: 'purge',
        by: 'vector-store',
        dryRun: false,
      } as const;
      await carrier.invalidate([order]);
    },
  });

  const { byName: upstreams, fallback } = upstreamsOf(settings, clock, env);
  const { monitor, metrics, ...monitoring } = await openMonitoring({
    settings,
    profile: surroundings.profile ?? 'unnamed',
    clock,
    events,
    background,
    store,
    catalog,
    upstreams,
  });
  const offers = [...settings.upstreams].map(([name, offer]) => {
    return { ...offer, upstream: upstreams.get(name) ?? fallback };
  });
  const rulesOf = ({ type, tags = [] }: { readonly type: string; readonly tags?: readonly TagRule[] }) =>
    new TagRules([...(settings.types.get(type)?.tags ?? []), ...tags], () => clock.elapsed());
  const endpoints = ENDPOINTS.map((endpoint) => withTags(endpoint, rulesOf(endpoint), 'api'));
  const policyOf = (type: string) => {
    const policy = settings.types.get(type);
    if (policy === undefined) throw new Error(`the settings name no type "${type}"`);
    return policy;
  };
  const { server, admin } = settings;
  const bindings = [
    ...bindRoutes(settings.routes, upstreams, rulesOf),
    ...bindEndpoints(endpoints, offers, fallback),
  ];
  // A head is a few hundred bytes, and shared by all requests of a client.
  const headBytes = Math.floor(settings.memory.plans / 4);
  const heads = new Heads(headBytes, (method, path) => placeOf({ bindings, upstreams }, method, path));
  const context: DataPlaneContext = {
    askedLately: new AskedLately(settings.memory.plans - headBytes),
    upstreams,
    fallback,
    access: accessOf(settings, new Scopes(data.secret), clock, token),
    policyOf,
    maxBody: server.max_body,
    maxEntry: server.max_entry,
    store,
    stamps,
    marks,
    graves,
    lineage: new Lineage(clock),
    storeWrites,
    flights: new Flights<Slot>(),
    clock,
    background,
    events,
  };

  const values = storedValues({
    store,
    clock,
    policyOf,
    judge: (entry, demands) => verdictOn(entry, marks.standing(entry), clock.now(), demands),
    entryOf(key, times, payload, tags) {
      const stamp = stamps.next();
      return { key, ...times, stamp, tags: tags.map((tag) => [tag, stamp]), payload };
    },
  });
  const health: HealthContext = {
    accepting: () => service.accepting,
    checks: () => new Map([...healthChecks(store, upstreams), ...alertChecks(monitor.alerts)]),
  };
  const status = () => statusOf(health);
  const calls: readonly ControlCall[] = [
    ...healthCalls(health),
    ...monitoringCalls({ monitor, metrics, status }),
    liveCall({ monitor, events, clock, status, accepting: health.accepting }),
    webhookCall(
      new Webhooks(settings.webhooks, {
        invalidator,
        deliveries: data.deliveries,
        fetchJwks: (url) => fetchJson(url, env),
        // Its senders' clocks do not know that ours never goes back.
        clock: surroundings.clock,
        events,
      }),
    ),
    dashboardCall(readPageFiles()),
    ...cacheCalls({
      invalidator,
      catalog,
      audit: data.audit,
      values,
      maxEntry: server.max_entry,
      types: () => settings.types.keys(),
      drops: new Map(store.levels.map((level) => [level, () => store.drop(level, catalog.at(level))])),
    }),
  ];
  const dataListener: DataListener = {
    readHead: (incoming) => heads.read(incoming),
    serveData: dataPlane(context),
    openTunnel: (incoming, early) => openTunnel(context, incoming, early),
    corsOrigins: server.cors.origins,
  };
  const serverOf = (offered: readonly ControlCall[], on?: DataListener) =>
    createListener({
      data: on,
      control: createControlApp({ calls: offered, token, events }),
      timeouts: server.timeouts,
      certificate,
    });
  const drainMs = server.drain;
  const control =
    admin.port === undefined
      ? undefined
      : new Service({ clock, drainMs, server: serverOf(calls), close: async () => {} });
  const open = control === undefined ? calls : calls.filter(({ who }) => who === 'everyone');
  const service = new Service({
    clock,
    drainMs,
    server: serverOf(open, dataListener),
    async close() {
      sweeping.cancel();
      storeWrites.close();
      // Calls still under way end with their connections: nobody is left to answer, and refreshes can wait.
      for (const upstream of upstreams.values()) await upstream.client.close();
      await control?.stop();
      await monitoring.close();
      await background.drain();
      await data.deliveries.close();
      await store.close();
      await data.markLog?.close();
    },
  });
  const longestCallMs = Math.max(...[...settings.upstreams.values()].map(({ timeouts }) => timeouts.total));
  const upkeep = new Upkeep({
    store,
    invalidations,
    marks,
    stamps,
    clock,
    isListed: () => data.disk?.isListed !== false,
    longestMs: longestCallMs + TRACES_LAST_MS,
  });
  const sweeping = every(clock, settings.sweep_every, () => background.run('sweep', upkeep.run()));
  try {
    await control?.listen(server.host, admin.port ?? 0);
  } catch (thrown) {
    await service.stop();
    throw thrown;
  }
  await service.listen(server.host, server.port);
  return { service, controlUrl: (control ?? service).url };
}

/** Traces are remembered for ten minutes, and calls wait for their turn no longer than that. */
const TRACES_LAST_MS = 3_600_000;

function certificateOf({ server: { tls } }: Settings): Certificate | undefined {
  return tls && { cert: readFileSync(tls.cert), key: readFileSync(tls.key), passphrase: tls.passphrase };
}
