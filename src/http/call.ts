import type { Key } from '../cache/entry.ts';
import type { Quota } from '../cache/store.ts';
import type { Plan } from '../endpoints/endpoint.ts';
import type { Directives } from '../policy/directives.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { FetchPolicy } from './fetch.ts';
import type { Request } from './request.ts';

/** A request whose answer may come from the cache: planned, keyed, and its caller's wishes read. */
export interface Call {
  readonly request: Request;
  readonly plan: Plan;
  /** One key for each of the plan's parts. */
  readonly keys: readonly Key[];
  readonly directives: Directives;
  readonly policy: FetchPolicy;
  /** What this request may add to L1: a quarter of it, whether found on disk or fetched. */
  readonly quota: Quota;
  readonly upstream: Upstream;
  /** The upstream's path and query, put together from bytes. */
  readonly upstreamPath: string;
  /** Whether answers say `cache-control: private, no-cache`: a user's own route, whose copies a purge could not reach. */
  readonly uncacheableDownstream: boolean;
}

/** A request that is forwarded as it is. */
export interface Relay {
  readonly request: Request;
  /** The body if it has been read whole; else the request's stream is passed through. */
  readonly body: Buffer | undefined;
  readonly upstream: Upstream;
  readonly upstreamPath: string;
  /** Why a cacheable endpoint's request is not cached; undefined for what is never cached, whose answer is untouched. */
  readonly reason: string | undefined;
  readonly uncacheableDownstream: boolean;
}
