import { type Cell, ownCell } from '../shared/cell.ts';
import type { Clock } from '../shared/clock.ts';
import type { ErrorCode, RepriseError } from '../shared/errors.ts';

/** When a failing upstream is left alone; times in milliseconds. */
export interface HealthPolicy {
  /** Failures in a row that open the breaker. */
  readonly failures: number;
  /** How long an open breaker waits before each probe. */
  readonly probeMs: number;
  /** How long after a failure entries that may be served stale are, without asking. */
  readonly retryAfterFailureMs: number;
}

/** What is remembered of the calls so far, times by the monotonic clock. */
export interface HealthMemory {
  /** Failures in a row. */
  readonly failures: Cell;
  readonly failedAt: Cell;
  readonly nextProbe: Cell;
}

/** What {@link HealthMemory} begins with: `failures`, `failedAt`, `nextProbe`. */
export const UNTRIED = [0, Number.NEGATIVE_INFINITY, 0] as const;

/** Whether a call may go upstream now. */
export type Admission = { readonly kind: 'go' } | { readonly kind: 'refused'; readonly retryAfterS: number };

/**
 * What is known of an upstream's health from the calls made to it. Failures are: no connection, a timeout, an answer
 * that broke, a 5xx. A 429 or another 4xx is none: it is about one credential or one request. While the breaker is open
 * one call every `probeMs` is let through as a probe; what succeeds closes it. A probe that hangs, or whose caller leaves,
 * stands in no other's way.
 */
export class Health {
  readonly #policy: HealthPolicy;
  readonly #clock: Clock;
  readonly #memory: HealthMemory;

  /** All who have the same `memory`, and count by one clock, know the same. */
  constructor(policy: HealthPolicy, clock: Clock, memory: HealthMemory = ownMemory()) {
    this.#policy = policy;
    this.#clock = clock;
    this.#memory = memory;
  }

  /** To be asked as each call goes out; one that is let through must be reported on. */
  admit(): Admission {
    const admission = this.outlook();
    if (this.#open && admission.kind === 'go')
      this.#memory.nextProbe.set(this.#clock.elapsed() + this.#policy.probeMs);
    return admission;
  }

  /** What {@link admit} would say now; no probe is spent. */
  outlook(): Admission {
    const waitMs = this.#open ? this.#memory.nextProbe.get() - this.#clock.elapsed() : 0;
    if (waitMs <= 0) return { kind: 'go' };
    return { kind: 'refused', retryAfterS: Math.max(1, Math.ceil(waitMs / 1000)) };
  }

  /** The upstream answered, with less than a 500. */
  succeeded(): void {
    const { failures, failedAt } = this.#memory;
    failures.set(0);
    failedAt.set(Number.NEGATIVE_INFINITY);
  }

  /** The upstream answered, with this status. */
  answered(status: number): void {
    if (status >= 500) this.failed();
    else this.succeeded();
  }

  /** A call came to nothing. An error that is the request's own fault, or ours, says nothing of the upstream. */
  erred(error: RepriseError): void {
    if (!SAYS_NOTHING.has(error.code)) this.failed();
  }

  /** The upstream answered with a 5xx, or not at all. */
  failed(): void {
    const { failures, failedAt, nextProbe } = this.#memory;
    const now = this.#clock.elapsed();
    // Of two at once one may not be counted: both tell the same.
    failures.set(failures.get() + 1);
    failedAt.set(now);
    if (this.#open) nextProbe.set(now + this.#policy.probeMs);
  }

  /** Whether the last call failed so lately that entries within their grace are served without asking. */
  failing(): boolean {
    return this.#clock.elapsed() - this.#memory.failedAt.get() < this.#policy.retryAfterFailureMs;
  }

  /** `failing` after a failure, `down` while the breaker is open. */
  state(): 'up' | 'failing' | 'down' {
    if (this.#open) return 'down';
    return this.failing() ? 'failing' : 'up';
  }

  get #open(): boolean {
    return this.#memory.failures.get() >= this.#policy.failures;
  }
}

function ownMemory(): HealthMemory {
  const [failures, failedAt, nextProbe] = UNTRIED;
  return {
    failures: ownCell(failures),
    failedAt: ownCell(failedAt),
    nextProbe: ownCell(nextProbe),
  };
}

// The request's own fault; then those of calls that the upstream has never seen.
const SAYS_NOTHING: ReadonlySet<ErrorCode> = new Set([
  'invalid_request',
  'overloaded',
  'upstream_unavailable',
]);
