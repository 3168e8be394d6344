import type { Event, TracedRequest } from '../observe/events.ts';
import type { Call, Relay } from './call.ts';
import type { Report } from './report.ts';
import { costOf, type Served } from './served.ts';

/** What became of a request of the data plane. */
export interface Answered {
  /** Upper-case. */
  readonly method: string;
  /** The endpoint's name; undefined where none was found. */
  readonly endpoint: string | undefined;
  /** Absent where the cache was not asked. */
  readonly call: Call | undefined;
  /** What was passed through, and the type that it would have had in the cache. */
  readonly passed: { readonly relay: Relay; readonly type: string | undefined } | undefined;
  readonly report: Report | undefined;
  readonly served: Served | undefined;
  readonly status: number;
  /** A word of `x-cache`, or one of ours for what the cache was not asked for. */
  readonly outcome: string;
  /** Milliseconds until it was answered. */
  readonly ms: number;
  /** Milliseconds until its answer began, where that was before its end. */
  readonly headMs: number | undefined;
  readonly requestId: string;
  readonly traced: TracedRequest | undefined;
}

/** What is told of it. */
export function answeredEvent({
  call,
  passed,
  report,
  served,
  ms,
  ...of
}: Answered): Extract<Event, { readonly kind: 'answered' }> {
  const cost = served && call ? costOf(served, call.plan.order) : undefined;
  return {
    kind: 'answered',
    endpoint: of.endpoint ?? 'unknown',
    type: call?.plan.type ?? passed?.type,
    upstream: (call ?? passed?.relay)?.upstream.name,
    model: call?.plan.label,
    namespace: call?.directives.namespace,
    method: of.method,
    status: of.status,
    outcome: of.outcome,
    reason: report?.reason ?? passed?.relay.reason,
    level: report?.level,
    key: report?.key,
    keys: call?.keys ?? [],
    parts: report?.parts,
    usage: cost?.usage,
    spared: cost?.spared,
    ms,
    headMs: of.headMs ?? (served && ms),
    upstreamMs: served?.ownMs(),
    requestId: of.requestId,
    traced: of.traced,
  };
}
