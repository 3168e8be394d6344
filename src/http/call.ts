import type { IncomingMessage } from 'node:http';
import type { Key } from '../cache/entry.ts';
import type { Quota } from '../cache/store.ts';
import type { TaggedPlan } from '../endpoints/tagged.ts';
import type { Caller } from '../policy/access.ts';
import type { Condition } from '../policy/condition.ts';
import type { Directives } from '../policy/directives.ts';
import type { Inherited } from '../policy/lineage.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { FetchPolicy } from './fetch-work.ts';
import type { Request } from './request.ts';

/** A request whose answer may come from the cache: planned, keyed, and its caller's wishes read. */
export interface Call {
  readonly request: Request;
  /** How the upstream is asked: GET where a HEAD is answered from what a GET brings. */
  readonly method: string;
  readonly plan: TaggedPlan;
  /** One key for each of the plan's parts. */
  readonly keys: readonly Key[];
  readonly directives: Directives;
  /** The trace it belongs to, of this caller's; undefined if it says none. */
  readonly trace: string | undefined;
  /** What the whole request speaks of; parts may have more tags of their own. */
  readonly tags: readonly string[];
  /** What an answer speaks of that is passed through, for its trace; undefined where that is not known. */
  readonly unread: readonly string[] | undefined;
  /** What it inherits of its trace. */
  readonly inherited: Inherited;
  readonly caller: Caller;
  /** What the upstream must take the caller's credential for: an upstream, an endpoint and a model. */
  readonly realm: string;
  /** Whether the caller may be shown what others paid for; if not it asks itself. */
  readonly trusted: boolean;
  /** Where the caller has a copy already. */
  readonly revalidation: Revalidation | undefined;
  readonly policy: FetchPolicy;
  /** What this request may add to L1: a quarter of it, whether found on disk or fetched. */
  readonly quota: Quota;
  readonly upstream: Upstream;
  /** The upstream's path and query, put together from bytes. */
  readonly upstreamPath: string;
  /** Whether answers say `cache-control: private, no-cache`: a user's own route, whose copies a purge could not reach. */
  readonly uncacheableDownstream: boolean;
}

/** A request for an answer only if it is another than the caller has (RFC 9110 §13.1). */
export interface Revalidation {
  readonly condition: Condition;
  /** How it is forwarded where there is nothing to compare with. */
  readonly relay: Relay;
}

/** A request that is forwarded as it is. */
export interface Relay {
  readonly request: Request;
  readonly caller: Caller;
  /** Read whole, or a stream to be passed through. */
  readonly body: Buffer | IncomingMessage;
  /** Whether the body is in plain, whatever its headers say of a coding. */
  readonly isPlain?: boolean;
  readonly upstream: Upstream;
  readonly upstreamPath: string;
  /** Why a cacheable endpoint's request is not cached; undefined for what is never cached, whose answer is untouched. */
  readonly reason: string | undefined;
  readonly uncacheableDownstream: boolean;
  /** The tag of the vector store that it may change. */
  readonly writes?: string | undefined;
}
