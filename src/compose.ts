import { accessOf, adminTokenOf } from './composing/access.ts';
import { certificateOf } from './composing/certificate.ts';
import { controlCallsOf } from './composing/control-calls.ts';
import { dataPlaneOf } from './composing/data-plane.ts';
import { openEngine } from './composing/engine.ts';
import { openMonitoring } from './composing/monitoring.ts';
import { lineageOf } from './composing/shared-lineage.ts';
import { upstreamsOf } from './composing/upstreams.ts';
import type { Settings } from './config/schema.ts';
import { createControlPlane } from './control/app.ts';
import type { ControlCall } from './control/call.ts';
import { createListener, type DataListener } from './http/listener.ts';
import { Service, type Serving } from './http/service.ts';
import { SettlingStores } from './http/settling-stores.ts';
import { VectorStoreWrites } from './http/vector-store-writes.ts';
import type { Invalidator } from './invalidation/invalidator.ts';
import type { Events } from './observe/events.ts';
import { Scopes } from './policy/scope.ts';
import { Background } from './shared/background.ts';
import { type Clock, neverBack } from './shared/clock.ts';
import { Hub } from './workers/hub.ts';

/** What the process brings along, beside its settings. */
export interface Surroundings {
  readonly clock: Clock;
  readonly events: Events;
  /** Names the proxies that upstreams are reached through, and holds the admin token. */
  readonly env: NodeJS.ProcessEnv;
  /** The profile's name, as it is shown. */
  readonly profile?: string;
  /** The program's, as others are told it. */
  readonly version?: string;
  /** Carries invalidations out in the place of the cache itself. */
  readonly invalidator?: Invalidator;
}

/** The whole, as it runs. */
export interface Composed {
  /** Closes everything again, in reverse, when it is stopped. */
  readonly service: Serving;
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
  const token = adminTokenOf(env);

  const version = surroundings.version ?? 'unknown';
  const hub = settings.server.workers === 1 ? undefined : new Hub(settings, clock);
  const engine = await openEngine({ settings, clock, events, background, version, inCommon: hub });
  const { stamps, marks, graves, catalog, data, store, bus, secret, invalidations, traces } = engine;
  const { lineage } = data.lineage;
  const carrier = surroundings.invalidator ?? invalidations;
  // Not in the audit log: a thousand uploaded files would push out of it what people asked for.
  const purgeTag = async (tag: string) => {
    const order = { condition: { tags: [tag] }, effect: 'purge', by: 'vector-store', dryRun: false } as const;
    await carrier.invalidate([order]);
  };

  const upstreams = upstreamsOf(settings, clock, env, hub?.upstreamInCommon);
  const watched = hub?.watched(store) ?? store;
  const { monitor, metrics, sample, ...monitoring } = await openMonitoring({
    settings,
    profile: surroundings.profile ?? 'unnamed',
    clock,
    wallClock: surroundings.clock,
    events,
    background,
    env,
    version,
    store: watched,
    bus,
    threads: () => hub?.threads,
    catalog,
    upstreams: upstreams.byName,
  });
  const { server, admin } = settings;
  const calls = controlCallsOf({
    settings,
    clock,
    wallClock: surroundings.clock,
    events,
    env,
    engine,
    carrier,
    upstreams: upstreams.byName,
    threads: hub,
    monitor,
    metrics,
    accepting: () => service.accepting,
    asksToken: token !== undefined,
  });
  const serverOf = (offered: readonly ControlCall[], on?: DataListener) =>
    createListener({
      data: on,
      control: createControlPlane({ calls: offered, token, events }),
      timeouts: server.timeouts,
      certificate,
    });
  const drainMs = server.drain;
  const control =
    admin.port === undefined
      ? undefined
      : new Service({ clock, drainMs, server: serverOf(calls), close: async () => {} });
  const open = control === undefined ? calls : calls.filter(({ who }) => who === 'everyone');
  const close = async () => {
    // Calls still under way end with their connections: nobody is left to answer, and refreshes can wait.
    for (const upstream of upstreams.byName.values()) await upstream.client.close();
    await control?.stop();
    await monitoring.close();
    await engine.close();
    await monitoring.flush();
  };
  const answering = () => {
    const settling = new SettlingStores({ clock, stamps, marks });
    const dataPlane = dataPlaneOf({
      settings,
      clock,
      events,
      background,
      access: accessOf(settings, new Scopes(secret), clock, token),
      upstreams,
      store,
      bus,
      stamps,
      marks,
      graves,
      lineage: lineageOf(lineage, traces, settling),
      settling,
      storeWrites: new VectorStoreWrites({ background, purge: purgeTag }),
      sample,
    });
    return new Service({
      clock,
      drainMs,
      server: serverOf(open, dataPlane),
      async close() {
        settling.close();
        await close();
      },
    });
  };
  const service: Serving =
    hub?.crew({
      settings,
      clock,
      events,
      env,
      secret,
      tiers: engine.tiers,
      bus,
      lineage,
      traces,
      upstreams: upstreams.byName,
      purge: purgeTag,
      control: createControlPlane({ calls: open, token, events }),
      close,
    }) ?? answering();
  engine.tend();
  try {
    await control?.listen(server.host, admin.port ?? 0);
  } catch (thrown) {
    await service.stop();
    throw thrown;
  }
  await service.listen(server.host, server.port);
  return { service, controlUrl: (control ?? service).url };
}
