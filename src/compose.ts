import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DiskTier } from './cache/disk.ts';
import { Flights } from './cache/flights.ts';
import { installSecret } from './cache/install-secret.ts';
import { MemoryTier } from './cache/memory.ts';
import { Store } from './cache/store.ts';
import type { Settings } from './config/schema.ts';
import { createControlApp } from './control/app.ts';
import { healthChecks } from './control/checks.ts';
import { ENDPOINTS } from './endpoints/table.ts';
import { withTags } from './endpoints/tagged.ts';
import { bindEndpoints, bindRoutes } from './http/bindings.ts';
import { isDataPath } from './http/classify.ts';
import { type DataPlaneContext, serveData } from './http/data-plane.ts';
import type { Slot } from './http/fetch.ts';
import { type Certificate, createListener } from './http/listener.ts';
import { Service } from './http/service.ts';
import { openTunnel } from './http/tunnel.ts';
import type { Events } from './observe/events.ts';
import { credentialHeaders } from './openai/credential-headers.ts';
import type { Access } from './policy/access.ts';
import { gatewayAccess } from './policy/gateway.ts';
import { passthroughAccess } from './policy/passthrough.ts';
import { Scopes } from './policy/scope.ts';
import { type TagRule, TagRules } from './policy/tag-rules.ts';
import { Verifications } from './policy/verifications.ts';
import { Background } from './shared/background.ts';
import { mustParseCallPattern } from './shared/call-pattern.ts';
import { type Clock, neverBack } from './shared/clock.ts';
import { messageOf } from './shared/errors.ts';
import { createUpstream, type Upstream } from './upstream/upstream.ts';

/** What the process brings along, beside its settings. */
export interface Surroundings {
  readonly clock: Clock;
  readonly events: Events;
  /** Names the proxies that upstreams are reached through. */
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Builds the whole object graph once, and opens it for requests. The service it gives closes everything again, in
 * reverse. Rejects if the data folder is in use by another process, or the address cannot be listened on.
 */
export async function compose(
  settings: Settings,
  { events, env, ...surroundings }: Surroundings,
): Promise<Service> {
  const clock = neverBack(surroundings.clock);
  const background = new Background((label, message) =>
    events.emit({ kind: 'background-failed', label, message }),
  );
  const certificate = certificateOf(settings);
  const disk = await openDisk(settings, clock, events);
  const store = new Store(
    new MemoryTier({ maxEntries: settings.memory.max_entries, maxBytes: settings.memory.max_bytes }, clock),
    disk,
  );
  const upstreams = new Map<string, Upstream>();
  for (const [name, upstream] of settings.upstreams) {
    const gateway = settings.access.mode === 'gateway';
    const credential = gateway ? credentialHeaders(upstream.dialect, upstream.api_key) : undefined;
    upstreams.set(name, createUpstream(name, { ...upstream, credential }, clock, env));
  }
  const fallback = upstreams.get('default');
  if (fallback === undefined) throw new Error('the settings name no upstream "default"');
  const offers = [...settings.upstreams].map(([name, offer]) => ({
    ...offer,
    upstream: upstreams.get(name) ?? fallback,
  }));
  const rulesOf = ({ type, tags = [] }: Tagged) =>
    new TagRules([...(settings.types.get(type)?.tags ?? []), ...tags], () => clock.elapsed());
  const endpoints = ENDPOINTS.map((endpoint) => withTags(endpoint, rulesOf(endpoint), 'api'));
  const context: DataPlaneContext = {
    bindings: [
      ...bindRoutes(settings.routes, upstreams, rulesOf),
      ...bindEndpoints(endpoints, offers, fallback),
    ],
    upstreams,
    fallback,
    access: accessOf(settings, new Scopes(await secretOf(settings, events)), clock),
    policyOf: (type) => {
      const policy = settings.types.get(type);
      if (policy === undefined) throw new Error(`the settings name no type "${type}"`);
      return policy;
    },
    maxBody: settings.server.max_body,
    maxEntry: settings.server.max_entry,
    store,
    flights: new Flights<Slot>(),
    clock,
    background,
    events,
  };
  const service = new Service({
    clock,
    drainMs: settings.server.drain,
    createServer: (accepting) =>
      createListener({
        isData: (path) => isDataPath(context, path),
        serveData: (request, response) => serveData(context, request, response),
        control: createControlApp({ accepting, checks: () => healthChecks(store, upstreams) }),
        openTunnel: (incoming, early) => openTunnel(context, incoming, early),
        corsOrigins: settings.server.cors.origins,
        timeouts: settings.server.timeouts,
        certificate,
      }),
    async close() {
      sweeping.cancel();
      // Calls still under way end with their connections: nobody is left to answer, and refreshes can wait.
      for (const upstream of upstreams.values()) await upstream.client.close();
      await background.drain();
      await store.close();
    },
  });
  const sweeping = every(clock, settings.sweep_every, () => background.run('sweep', store.sweep()));
  await service.listen(settings.server.host, settings.server.port);
  return service;
}

/** What has rules for tags: those of its type, and maybe more. */
interface Tagged {
  readonly type: string;
  readonly tags?: readonly TagRule[];
}

/** Who may ask, and whose entries they are served. */
function accessOf({ access }: Settings, scopes: Scopes, clock: Clock): Access {
  if (access.mode === 'passthrough') {
    const verifies = access.share === 'verified';
    return passthroughAccess(scopes, verifies ? new Verifications(access.verify_ttl, clock) : undefined);
  }
  const keys = access.keys.map((key) => ({ ...key, allow: key.allow.map(mustParseCallPattern) }));
  return gatewayAccess(keys, access.share === 'all' ? 'all' : 'tenant', scopes, clock);
}

async function openDisk(settings: Settings, clock: Clock, events: Events): Promise<DiskTier | undefined> {
  if (settings.disk.max_bytes === 0) return undefined;
  return await DiskTier.open({
    folder: join(settings.disk.path, 'l2'),
    maxBytes: settings.disk.max_bytes,
    codec: settings.disk.compression,
    maxEntry: settings.server.max_entry,
    clock,
    notify: (why) => events.emit({ kind: 'degraded', what: 'l2', why }),
  });
}

function certificateOf({ server: { tls } }: Settings): Certificate | undefined {
  return tls && { cert: readFileSync(tls.cert), key: readFileSync(tls.key), passphrase: tls.passphrase };
}

/** The kept secret; one for this process alone where there is no folder to keep it in, which is where there is no L2. */
async function secretOf(settings: Settings, events: Events): Promise<Buffer> {
  if (settings.disk.max_bytes === 0) return randomBytes(32);
  try {
    return await installSecret(settings.disk.path);
  } catch (thrown) {
    events.emit({
      kind: 'degraded',
      what: 'install secret',
      why: `${messageOf(thrown)}; L2 will not be found again after a restart`,
    });
    return randomBytes(32);
  }
}

/** Runs `work` every `ms` milliseconds until cancelled. */
function every(clock: Clock, ms: number, work: () => void): { cancel(): void } {
  let timer = clock.after(ms, again);
  function again() {
    work();
    timer = clock.after(ms, again);
  }
  return { cancel: () => timer.cancel() };
}
