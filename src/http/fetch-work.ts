import type { Key } from '../cache/entry.ts';
import type { Quota } from '../cache/store.ts';
import type { TaggedPlan } from '../endpoints/tagged.ts';
import type { Caller } from '../policy/access.ts';
import type { LifetimePolicy } from '../policy/lifetime.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { TracedCall } from './tracing.ts';

/** What of a type's policy bears on its calls. */
export interface FetchPolicy extends LifetimePolicy {
  /** Which calls are cached by their randomness. */
  readonly sampling: 'any' | 'seeded' | 'greedy';
  /** What the cache does: serve and store; only serve; only store, and count what it could have served; nothing. */
  readonly mode: 'on' | 'read_only' | 'shadow' | 'off';
  /** What becomes of a call whose last caller has left. */
  readonly on_abandon: 'cancel' | 'finish';
  /** Milliseconds an abandoned call waits for new company before it is cancelled. */
  readonly linger: number;
}

/** One upstream call for some parts of a plan. */
export interface FetchWork {
  readonly plan: TaggedPlan;
  /** Indexes of the plan's parts to fetch, ascending. */
  readonly asked: readonly number[];
  /** The keys of these parts, in the same order. */
  readonly keys: readonly Key[];
  /** Who asks, and for what as {@link Caller.answered} is told. */
  readonly caller: Caller;
  readonly realm: string;
  readonly upstream: Upstream;
  readonly path: string;
  readonly method: string;
  /** Name, value, name, value … */
  readonly headers: string[];
  readonly body: Buffer | null;
  readonly policy: FetchPolicy;
  /** The founding caller's own lifetime, in milliseconds. */
  readonly ttlMs: number | undefined;
  /** What the founding request may still add to L1. */
  readonly quota: Quota;
  /** Only where the request that began it is traced. */
  readonly traced: TracedCall | undefined;
}
