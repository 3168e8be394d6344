import type { Store } from '../cache/store.ts';
import type { Bypass, Plan } from '../endpoints/endpoint.ts';
import { readBody as readJson } from '../openai/body.ts';
import { member } from '../openai/json.ts';
import type { Access } from '../policy/access.ts';
import { type Directives, readDirectives } from '../policy/directives.ts';
import { createKeyring } from '../policy/key.ts';
import type { Lineage } from '../policy/lineage.ts';
import { shapingHeaders } from '../policy/shaping.ts';
import { RepriseError } from '../shared/errors.ts';
import type { Stamps } from '../shared/stamps.ts';
import { join } from '../upstream/target.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { Call, Relay } from './call.ts';
import { type Binding, classify, surfacePath } from './classify.ts';
import { readContent } from './content.ts';
import { notCached } from './errors.ts';
import type { FetchPolicy } from './fetch-work.ts';
import { type Request, readBody } from './request.ts';
import { writtenStore } from './vector-store-writes.ts';

/** What turning requests into calls takes. */
export interface ReceiveContext {
  /** In the order in which they are tried. */
  readonly bindings: readonly Binding[];
  /** By name, as they are also reachable under `/NAME/v1/`. */
  readonly upstreams: ReadonlyMap<string, Upstream>;
  /** The upstream for what no binding takes. */
  readonly fallback: Upstream;
  readonly access: Access;
  readonly store: Store;
  readonly stamps: Stamps;
  readonly lineage: Lineage;
  readonly policyOf: (type: string) => FetchPolicy;
  /** Bytes of the largest body that is read whole. */
  readonly maxBody: number;
}

/** A request read, classified and planned: to be answered from the cache, or to be forwarded as it is. */
export type Received =
  | { readonly kind: 'call'; readonly endpoint: string; readonly call: Call }
  | {
      readonly kind: 'relay';
      readonly endpoint: string;
      readonly type: string | undefined;
      readonly relay: Relay;
    };

/** Receives a request whose head has been read. Throws a RepriseError for one that cannot be taken. */
export async function receive(context: ReceiveContext, request: Request): Promise<Received> {
  const caller = context.access.identify(request.header);
  const surface = surfacePath(context.upstreams, request.path);
  const path = surface?.path ?? request.path;
  const found = classify(context.bindings, request.method, path);
  if (found === undefined) {
    if (surface === undefined) throw wrongMethod(request);
    caller.mayRelay(request.method, request.path);
    const upstream = surface.named ?? context.fallback;
    const upstreamPath = join(upstream.baseUrl, path, request.query);
    const writes = writtenStore(request.method, path);
    const relay = passingThrough({ request, caller, upstream, upstreamPath, writes });
    return { kind: 'relay', endpoint: 'relay', type: undefined, relay };
  }
  const { binding, params, method } = found;
  const header = caller.visible(request.header);
  const directives = readDirectives(header);
  const body = await readBody(request, context.maxBody);
  const content = await readContent(header, body, context.maxBody);
  const upstream = surface?.named ?? binding.choose(() => params.get('model') ?? modelIn(content.body));
  const upstreamPath = binding.target(upstream, path, request.query, params);
  const { dialect, injectUsage } = upstream;
  const input = { method, path, params, query: request.query, ...content, dialect, injectUsage };
  const plan = binding.endpoint.plan(input);
  const entitled = caller.entitle(plan.touches);

  const uncacheableDownstream = binding.route;
  const { name: endpoint, type } = binding.endpoint;
  const policy = context.policyOf(plan.kind === 'plan' ? plan.type : type);
  const relayFor = (reason: string): Relay => {
    return { request, caller, body, upstream, upstreamPath, reason, uncacheableDownstream };
  };
  const reason = whyNot(plan, directives, policy);
  if (plan.kind === 'bypass' || reason !== undefined) {
    if (directives.onlyIfCached) throw notCached();
    return { kind: 'relay', endpoint, type, relay: relayFor(reason ?? '') };
  }
  const keyring = createKeyring({
    type: plan.type,
    namespace: directives.namespace,
    scope: entitled.scope,
    variant: directives.variant,
    method,
    baseUrl: upstream.baseUrl,
    dialect,
    path,
    query: plan.shaping?.query ?? request.query,
    headers: plan.shaping?.headers ?? shapingHeaders(dialect, headerPairs(request.rawHeaders)),
  });
  const inherits = plan.lineage === 'inherits' && directives.trace !== undefined;
  const realm = JSON.stringify([upstream.name, endpoint, plan.label]);
  const { condition } = plan;
  return {
    kind: 'call',
    endpoint,
    call: {
      request,
      method,
      plan,
      keys: plan.parts.map((part) => keyring(plan.label, part.content)),
      directives,
      tags: [...plan.tags, ...directives.tags],
      inherited: inherits ? context.lineage.inherited(caller.circle, directives.trace ?? '') : [],
      caller,
      realm,
      trusted: entitled.trusted(realm),
      revalidation: condition && { condition, relay: relayFor(`header:${condition.header}`) },
      policy,
      quota: context.store.quota(),
      upstream,
      upstreamPath,
      uncacheableDownstream,
    },
  };
}

/** Why a request that could be planned or not is neither looked up nor stored; undefined if it is. */
function whyNot(plan: Plan | Bypass, { noStore }: Directives, policy: FetchPolicy): string | undefined {
  if (plan.kind === 'bypass') return plan.reason;
  if (noStore) return 'client-no-store';
  if (policy.mode === 'off') return 'mode-off';
  return DRAWS[policy.sampling].includes(plan.draw) ? undefined : 'sampling';
}

/** The draws that are cached with each setting of a type's `sampling`. */
const DRAWS: Readonly<Record<FetchPolicy['sampling'], readonly Plan['draw'][]>> = {
  any: ['free', 'seeded', 'greedy'],
  seeded: ['seeded', 'greedy'],
  greedy: ['greedy'],
};

function passingThrough(
  to: Pick<Relay, 'request' | 'caller' | 'upstream' | 'upstreamPath' | 'writes'>,
): Relay {
  return { ...to, body: undefined, reason: undefined, uncacheableDownstream: false };
}

function modelIn(body: Buffer): string | undefined {
  const read = readJson(body);
  const model = read.ok ? member(read.root, 'model') : undefined;
  return model?.kind === 'string' ? model.value : undefined;
}

/** Name and value pairs with lower-case names, from name, value, name, value …. */
function headerPairs(raw: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < raw.length; at += 2)
    pairs.push([(raw[at] ?? '').toLowerCase(), raw[at + 1] ?? '']);
  return pairs;
}

function wrongMethod({ method, path }: Request): RepriseError {
  return new RepriseError(
    'method_not_allowed',
    `The route at ${path.slice(0, 200)} does not take ${method.slice(0, 20)}.`,
  );
}
