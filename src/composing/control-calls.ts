import type { Listed } from '../cache/listed.ts';
import type { Level, TierHealth } from '../cache/tier.ts';
import type { Settings } from '../config/schema.ts';
import { cacheCalls } from '../control/cache-calls.ts';
import { type ControlCall, once } from '../control/call.ts';
import { alertChecks, healthChecks } from '../control/checks.ts';
import { dashboardCall } from '../control/dashboard-call.ts';
import { type Check, type HealthContext, healthCalls, statusOf } from '../control/health.ts';
import { liveCall } from '../control/live-call.ts';
import { monitoringCalls } from '../control/monitoring-calls.ts';
import { readPageFiles } from '../control/page-files.ts';
import { storedValues, type Values } from '../control/values.ts';
import { webhookCall } from '../control/webhooks.ts';
import { verdictOn } from '../http/shelf.ts';
import { audited } from '../invalidation/audited.ts';
import type { Invalidator } from '../invalidation/invalidator.ts';
import { told } from '../invalidation/told.ts';
import { Webhooks } from '../invalidation/webhooks.ts';
import type { Events } from '../observe/events.ts';
import type { Clock } from '../shared/clock.ts';
import { fetchJson } from '../upstream/fetch-json.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { policyOf } from './data-plane.ts';
import type { Engine } from './engine.ts';
import type { Monitoring } from './monitoring.ts';

/** What the calls of the control plane work with. */
export interface ControlCallsContext extends Pick<Monitoring, 'monitor' | 'metrics'> {
  readonly settings: Settings;
  readonly clock: Clock;
  /** The clock that those outside know, which may go back. */
  readonly wallClock: Clock;
  readonly events: Events;
  readonly env: NodeJS.ProcessEnv;
  readonly engine: Engine;
  /** Carries invalidations out. */
  readonly carrier: Invalidator;
  readonly upstreams: ReadonlyMap<string, Upstream>;
  /** Undefined where no other threads answer requests. */
  readonly threads: AnsweringThreads | undefined;
  /** Whether new requests are welcome. */
  readonly accepting: () => boolean;
  /** Whether calls have to show the admin token. */
  readonly asksToken: boolean;
}

/** The threads that answer requests, as the control plane speaks of them. */
export interface AnsweringThreads {
  readonly checks: readonly (readonly [name: string, TierHealth])[];
  /** Drops what their own memories hold of these. */
  drop(entries: readonly Listed[]): void;
  /** Resolves when everything has been told that has happened in any of them. */
  upToDate(): Promise<void>;
}

/** The calls of the control plane, all of them. */
export function controlCallsOf(context: ControlCallsContext): readonly ControlCall[] {
  const { settings, clock, wallClock, events, env, engine, carrier, threads, monitor, metrics } = context;
  const { catalog, data, store } = engine;
  const invalidator = audited(carrier, told(data.audit, events), wallClock);
  const health = healthOf(context);
  const status = () => statusOf(health);
  const drop = (level: Level) => {
    const copies = [...catalog.at(level)];
    if (level === 'l1') threads?.drop(copies);
    return store.drop(level, copies);
  };
  // What threads know has to be told before it is shown.
  const telling = (calls: readonly ControlCall[]) =>
    threads === undefined ? calls : calls.map((call) => once(() => threads.upToDate(), call));
  return [
    ...healthCalls(health),
    ...telling(monitoringCalls({ monitor, metrics, status })),
    liveCall({ monitor, events, clock, status, accepting: health.accepting }),
    webhookCall(
      new Webhooks(settings.webhooks, {
        invalidator,
        deliveries: data.deliveries,
        fetchJwks: (url) => fetchJson(url, env),
        // Its senders' clocks do not know that ours never goes back.
        clock: wallClock,
        events,
      }),
    ),
    dashboardCall(readPageFiles(), context.asksToken),
    ...telling(
      cacheCalls({
        invalidator,
        catalog,
        audit: data.audit,
        values: valuesOf(context),
        maxEntry: settings.server.max_entry,
        types: () => settings.types.keys(),
        drops: new Map(store.levels.map((level) => [level, () => drop(level)])),
      }),
    ),
  ];
}

function healthOf({
  settings,
  engine,
  upstreams,
  threads,
  monitor,
  accepting,
}: ControlCallsContext): HealthContext {
  const isRequired = (level: string) => level === 'l3' && settings.redis.required;
  return {
    accepting,
    checks: () =>
      new Map<string, Check>([
        ...healthChecks(engine.store, upstreams, isRequired),
        ...(threads?.checks ?? []),
        ...alertChecks(monitor.alerts),
      ]),
  };
}

function valuesOf({ settings, clock, engine, carrier }: ControlCallsContext): Values {
  const { store, data, marks, stamps } = engine;
  return storedValues({
    store,
    clock,
    policyOf: (type) => policyOf(settings, type),
    isShared: store.isShared,
    outdate: ({ shown }) =>
      carrier.invalidate([{ condition: { keys: [shown] }, effect: 'purge', by: 'values', dryRun: false }]),
    settle: async (id) => (await data.disk?.settle(id)) ?? true,
    judge: (entry, demands) => verdictOn(entry, marks.standing(entry), clock.now(), demands),
    isInvalid: (entry) => marks.standing(entry) !== 'alive',
    stamps,
  });
}
