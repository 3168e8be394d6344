import type { Store } from '../cache/store.ts';
import { readBody as readJson } from '../openai/body.ts';
import { member } from '../openai/json.ts';
import { readDirectives } from '../policy/directives.ts';
import { createKeyring } from '../policy/key.ts';
import type { Scopes } from '../policy/scope.ts';
import { shapingHeaders } from '../policy/shaping.ts';
import { RepriseError } from '../shared/errors.ts';
import { join } from '../upstream/target.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { Call, Relay } from './call.ts';
import { type Binding, classify, surfacePath } from './classify.ts';
import { readContent } from './content.ts';
import { notCached } from './errors.ts';
import type { FetchPolicy } from './fetch.ts';
import { type Request, readBody } from './request.ts';

/** What turning requests into calls takes. */
export interface ReceiveContext {
  /** In the order in which they are tried. */
  readonly bindings: readonly Binding[];
  /** By name, as they are also reachable under `/NAME/v1/`. */
  readonly upstreams: ReadonlyMap<string, Upstream>;
  /** The upstream for what no binding takes. */
  readonly fallback: Upstream;
  readonly scopes: Scopes;
  readonly store: Store;
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
  const surface = surfacePath(context.upstreams, request.path);
  const path = surface?.path ?? request.path;
  const found = classify(context.bindings, request.method, path);
  if (found === undefined) {
    if (surface === undefined) throw wrongMethod(request);
    const upstream = surface.named ?? context.fallback;
    const upstreamPath = join(upstream.baseUrl, path, request.query);
    const relay = {
      request,
      body: undefined,
      upstream,
      upstreamPath,
      reason: undefined,
      uncacheableDownstream: false,
    };
    return { kind: 'relay', endpoint: 'relay', type: undefined, relay };
  }
  const { binding, params } = found;
  const directives = readDirectives(request.header);
  const body = await readBody(request, context.maxBody);
  const content = await readContent(request, body, context.maxBody);
  const upstream = surface?.named ?? binding.choose(() => params.get('model') ?? modelIn(content.body));
  const upstreamPath = binding.target(upstream, path, request.query, params);
  const plan = binding.endpoint.plan({
    method: request.method,
    path,
    params,
    query: request.query,
    ...content,
    dialect: upstream.dialect,
    injectUsage: upstream.injectUsage,
  });
  const uncacheableDownstream = binding.route;
  const { name: endpoint, type } = binding.endpoint;
  const reason = plan.kind === 'bypass' ? plan.reason : directives.noStore ? 'client-no-store' : undefined;
  if (plan.kind === 'bypass' || reason !== undefined) {
    if (directives.onlyIfCached) throw notCached();
    return {
      kind: 'relay',
      endpoint,
      type,
      relay: { request, body, upstream, upstreamPath, reason, uncacheableDownstream },
    };
  }
  const keyring = createKeyring({
    type: plan.type,
    namespace: directives.namespace,
    scope: context.scopes.of(request.header),
    variant: directives.variant,
    method: request.method,
    baseUrl: upstream.baseUrl,
    dialect: upstream.dialect,
    path,
    query: plan.shaping?.query ?? request.query,
    headers: plan.shaping?.headers ?? shapingHeaders(upstream.dialect, headerPairs(request.rawHeaders)),
  });
  const keys = plan.parts.map((part) => keyring(plan.label, part.content));
  const policy = context.policyOf(plan.type);
  return {
    kind: 'call',
    endpoint,
    call: {
      request,
      plan,
      keys,
      directives,
      policy,
      quota: context.store.quota(),
      upstream,
      upstreamPath,
      uncacheableDownstream,
    },
  };
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
