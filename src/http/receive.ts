import type { Store } from '../cache/store.ts';
import type { Bypass, Plan, PlanInput } from '../endpoints/endpoint.ts';
import type { TaggedPlan } from '../endpoints/tagged.ts';
import { readBody as readJson } from '../openai/body.ts';
import { member } from '../openai/json.ts';
import type { Access, Caller, HeaderOf } from '../policy/access.ts';
import { type Directives, readTrace } from '../policy/directives.ts';
import type { Inherited, Traces } from '../policy/lineage.ts';
import { RepriseError } from '../shared/errors.ts';
import { type Soon, whenThere } from '../shared/soon.ts';
import type { Stamps } from '../shared/stamps.ts';
import { join } from '../upstream/target.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { Asked, AskedLately, FoundOut } from './asked.ts';
import type { Room } from './body-room.ts';
import type { Call, Relay } from './call.ts';
import type { Found } from './classify.ts';
import { type Content, readContent } from './content.ts';
import { notCached } from './errors.ts';
import type { FetchPolicy } from './fetch-work.ts';
import type { KnownRequest } from './head-bytes.ts';
import { type HeadedRequest, OF_ONE_REQUEST } from './heads.ts';
import { keying } from './keying.ts';
import { type OfHead, ofHead } from './of-head.ts';
import { type Request, readBody } from './request.ts';
import { noteUnread } from './tagging.ts';
import { writtenStore } from './vector-store-writes.ts';

/** What turning requests into calls takes. */
export interface ReceiveContext {
  /** The upstream for what no binding takes. */
  readonly fallback: Upstream;
  readonly access: Access;
  readonly askedLately: AskedLately;
  readonly store: Store;
  readonly stamps: Stamps;
  readonly lineage: Traces;
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

/**
 * Receives a request whose head has been read, and of which more may be known: at once if its body has come and what it asks is
 * known. A large body takes `room` until the request is answered. Throws, or rejects with, a RepriseError for one that cannot be taken.
 */
export function receive(
  context: ReceiveContext,
  request: HeadedRequest,
  room: Room,
  known?: FoundOut,
): Soon<Received> {
  const { head } = request;
  const caller = known?.caller ?? context.access.identify(head.header);
  const { surface, found } = head.place;
  if (found === undefined) {
    if (surface === undefined) throw wrongMethod(request);
    caller.mayRelay(request.method, request.path);
    const upstream = surface.named ?? context.fallback;
    const upstreamPath = join(upstream.baseUrl, surface.path, request.query);
    const relay: Relay = {
      request,
      caller,
      body: request.stream,
      upstream,
      upstreamPath,
      reason: undefined,
      uncacheableDownstream: false,
      writes: writtenStore(request.method, surface.path),
    };
    return { kind: 'relay', endpoint: 'relay', type: undefined, relay };
  }
  const header = caller.visible(request.header);
  const trace = readTrace(header);
  const bounds = { limit: context.maxBody, room };
  return whenThere(readBody(request, bounds), (body) => {
    const asked = known?.asked ?? whatIsAsked(context, request, found, { header, body, room });
    return whenThere(asked, (read) => callFor(context, request, found, read, { caller, trace, body }));
  });
}

/** Who sends a request, and what it brings that is of itself alone. */
interface Sender {
  readonly caller: Caller;
  readonly trace: string | undefined;
  readonly body: Buffer;
}

/** What a request comes to for who sends it. Throws a RepriseError where it may not be sent, or may not be answered. */
export function callFor(
  context: ReceiveContext,
  request: Request,
  { binding, method }: Found,
  asked: Asked,
  { caller, trace, body }: Sender,
): Soon<Received> {
  const { plan, directives, realm, upstream, upstreamPath, unread } = asked;
  const entitled = caller.entitle(plan.touches);
  const uncacheableDownstream = binding.route;
  const { name: endpoint, type } = binding.endpoint;
  const policy = context.policyOf(plan.kind === 'plan' ? plan.type : type);
  const relayFor = (reason: string): Relay => {
    const { forwarded } = plan;
    const message = forwarded === undefined ? { body } : { body: forwarded, isPlain: true };
    return { request, caller, ...message, upstream, upstreamPath, reason, uncacheableDownstream };
  };
  const reason = whyNot(plan, directives, policy);
  if (plan.kind === 'bypass' || reason !== undefined) {
    if (directives.onlyIfCached) throw notCached();
    const relayed: Received = { kind: 'relay', endpoint, type, relay: relayFor(reason ?? '') };
    return whenThere(noteUnread(context, { caller, trace, unread }), () => relayed);
  }
  const inherits = plan.lineage === 'inherits' && trace !== undefined;
  const told = inherits ? context.lineage.inherited(caller.circle, trace) : NOTHING;
  const { condition } = plan;
  return whenThere(told, (inherited): Received => {
    return {
      kind: 'call',
      endpoint,
      call: {
        request,
        method,
        plan,
        keys: asked.keysFor(entitled.scope),
        directives,
        trace,
        tags: asked.tags,
        unread,
        inherited,
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
  });
}

const NONE: readonly never[] = [];
const NOTHING: Inherited = { tags: NONE, isWhole: true };

/** What a request came with. */
interface Carried {
  readonly header: HeaderOf;
  readonly body: Buffer;
  /** For what the body becomes; absent where it has no content coding, or is known. */
  readonly room?: Room;
}

/** What a request asks, which is read if it is not known: at once where the body has no content coding. */
export function whatIsAsked(
  context: ReceiveContext,
  request: KnownRequest,
  found: Found,
  { header, body, room }: Carried,
): Soon<Asked> {
  const known = context.askedLately.find(request.head, body);
  if (known !== undefined) return known;
  // What is wrong with the head is told first.
  const said = ofHead(request.head);
  return whenThere(readContent(header, body, { limit: context.maxBody, room }), (content) =>
    askedIn(context, request, found, said, body, content),
  );
}

/** What a request with this content asks, of which note is taken where that is the same each time. */
function askedIn(
  context: ReceiveContext,
  { head, query, rawHeaders }: KnownRequest,
  { binding, params, method }: Found,
  said: OfHead,
  body: Buffer,
  content: Content,
): Asked {
  const { directives } = said;
  const { surface } = head.place;
  const path = surface?.path ?? head.path;
  const upstream = surface?.named ?? binding.choose(() => params.get('model') ?? modelIn(content.body));
  const { name, dialect, injectUsage } = upstream;
  let isLasting = true;
  const { endpoint } = binding;
  const input: PlanInput = {
    method,
    params,
    query,
    body: content.body,
    header(asked: string) {
      if (OF_ONE_REQUEST.has(asked)) isLasting = false;
      return content.header(asked);
    },
    dialect,
    injectUsage,
  };
  const plan = endpoint.plan(input);
  const gives = endpoint.lineage === 'gives';
  const upstreamPath = binding.target(upstream, path, query, params);
  if (plan.kind === 'bypass') {
    const unread = gives ? andSaid(endpoint.tagsOfBypassed(input), directives) : NONE;
    return { plan, directives, upstream, upstreamPath, tags: NONE, unread, realm: '', keysFor: () => NONE };
  }
  const asked = {
    plan,
    directives,
    upstream,
    upstreamPath,
    tags: [...plan.tags, ...directives.tags],
    unread: gives ? andSaid(tagsUnread(plan), directives) : NONE,
    realm: JSON.stringify([name, endpoint.name, plan.label]),
    keysFor: keying(plan, said, {
      method,
      upstream,
      // No path has a blank.
      path: binding.rewrite === undefined ? path : `${path} ${binding.rewrite}`,
      query,
      rawHeaders,
    }),
  };
  return isLasting ? context.askedLately.note(head, body, asked) : asked;
}

/** What a plan's answer speaks of where it is not read; undefined where that is not known. */
function tagsUnread({ tagsInAnswer, tags, parts }: TaggedPlan): readonly string[] | undefined {
  return tagsInAnswer ? undefined : [...tags, ...parts.flatMap((part) => part.tags ?? [])];
}

function andSaid(known: readonly string[] | undefined, { tags }: Directives): readonly string[] | undefined {
  return known && [...known, ...tags];
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

function modelIn(body: Buffer): string | undefined {
  const read = readJson(body);
  const model = read.ok ? member(read.root, 'model') : undefined;
  return model?.kind === 'string' ? model.value : undefined;
}

function wrongMethod({ method, path }: Request): RepriseError {
  return new RepriseError(
    'method_not_allowed',
    `The route at ${path.slice(0, 200)} does not take ${method.slice(0, 20)}.`,
  );
}
