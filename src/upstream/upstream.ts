import type { Dialect } from '../openai/dialect.ts';
import type { Clock } from '../shared/clock.ts';
import { createUpstreamClient, type UpstreamClient, type UpstreamTimeouts } from './client.ts';
import { Gate, type Turnstile } from './gate.ts';
import { Health, type HealthMemory } from './health.ts';
import { admitting, overloaded, unavailable } from './turns.ts';

/** A server that calls go to. */
export interface Upstream {
  readonly name: string;
  /** With its `/v1`, without a trailing slash. */
  readonly baseUrl: string;
  /** Scheme, host and port. */
  readonly origin: string;
  readonly dialect: Dialect;
  /** The operator's own credential as headers, flat, which every call gets instead of its client's; absent: the client's own. */
  readonly credential: readonly string[] | undefined;
  /** Whether streams are asked for their usage although the caller did not. */
  readonly injectUsage: boolean;
  /** Milliseconds after which a whole call is given up. */
  readonly deadlineMs: number;
  /** Milliseconds for which a key whose refresh failed is not asked for again while something old can be served. */
  readonly retryAfterFailureMs: number;
  /** Its calls take turns at the gate, and go out if the breaker lets them. */
  readonly client: UpstreamClient;
  readonly health: Health;
  readonly gate: Turnstile;
}

/**
 * To be called before each call to it, so that one that would be refused at once is not begun. Throws
 * `upstream_unavailable` while the breaker is open and no probe is due, `overloaded` while too many calls wait already.
 */
export function admit(upstream: Upstream): void {
  const outlook = upstream.health.outlook();
  if (outlook.kind === 'refused') throw unavailable(upstream, outlook);
  if (upstream.gate.full) throw overloaded(upstream);
}

/** What of an upstream's settings is used here; durations in milliseconds. */
export interface UpstreamOptions {
  readonly base_url: string;
  readonly dialect: Dialect;
  readonly credential?: readonly string[] | undefined;
  readonly inject_usage: boolean;
  readonly timeouts: UpstreamTimeouts & { readonly total: number };
  readonly breaker: { readonly failures: number; readonly probe: number };
  readonly concurrency: { readonly max?: number | undefined; readonly queue: number; readonly wait: number };
  readonly retry_after_failure: number;
}

/** What an upstream has in common with those of the same name in other threads. */
export interface UpstreamInCommon {
  readonly memory: HealthMemory;
  readonly gate?: Turnstile;
}

/** An upstream with connections of its own, and with health and a gate of its own unless it has them `inCommon`. */
export function createUpstream(
  name: string,
  options: UpstreamOptions,
  clock: Clock,
  env: NodeJS.ProcessEnv,
  inCommon?: UpstreamInCommon,
): Upstream {
  const { breaker, concurrency } = options;
  const health = new Health(
    {
      failures: breaker.failures,
      probeMs: breaker.probe,
      retryAfterFailureMs: options.retry_after_failure,
    },
    clock,
    inCommon?.memory,
  );
  const gate =
    inCommon?.gate ??
    new Gate({ max: concurrency.max, queue: concurrency.queue, waitMs: concurrency.wait }, clock);
  return {
    name,
    baseUrl: options.base_url,
    origin: new URL(options.base_url).origin,
    dialect: options.dialect,
    credential: options.credential,
    injectUsage: options.inject_usage,
    deadlineMs: options.timeouts.total,
    retryAfterFailureMs: options.retry_after_failure,
    client: admitting(createUpstreamClient(options.timeouts, env), { name, health, gate }),
    health,
    gate,
  };
}
