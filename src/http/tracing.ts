import { randomBytes } from 'node:crypto';
import type { Called, Events, Span, Usage } from '../observe/events.ts';
import type { HeaderOf } from '../policy/access.ts';
import { readTraceparent, type TraceParent } from '../policy/trace.ts';
import type { Clock } from '../shared/clock.ts';
import type { Upstream } from '../upstream/upstream.ts';

/** Decides whether a trace is recorded; `parent` is its caller's span, if there is one. */
export type Sample = (traceId: string, parent: TraceParent | undefined) => boolean;

/** What tracing takes. */
export interface TracingContext {
  /** Absent where nothing is traced: then the headers of traces are passed on as they came. */
  readonly sample?: Sample | undefined;
  readonly clock: Clock;
  readonly events: Events;
}

/** Where a call goes. */
export interface CallTarget {
  readonly upstream: Pick<Upstream, 'name' | 'dialect' | 'origin'>;
  readonly method: string;
  /** With its query. */
  readonly path: string;
  /** The model asked for, where it was read. */
  readonly model?: string | undefined;
}

/** How a call ended, as far as it is known. */
export interface CallEnd {
  readonly status: number | undefined;
  /** The code of an error of ours. */
  readonly error?: string | undefined;
  readonly usage?: Usage | undefined;
  readonly finish?: readonly string[];
}

/**
 * The trace of one request (W3C Trace Context): its span goes on with the caller's trace, or begins one. A `traceparent` that is to be
 * ignored takes its `tracestate` with it (§3.3).
 */
export class RequestTrace {
  readonly span: Span;
  /** The endpoint's name, of the API; undefined for the user's own routes and for what is passed through. */
  readonly endpoint: string | undefined;
  readonly #context: TracingContext;
  readonly #joined: Span[] = [];

  constructor(context: TracingContext, sample: Sample, header: HeaderOf, endpoint: string | undefined) {
    const parent = readTraceparent(header('traceparent'));
    const traceId = parent?.traceId ?? randomId(16);
    const flags = ((parent?.flags ?? RANDOM) & ~SAMPLED) | (sample(traceId, parent) ? SAMPLED : 0);
    const state = parent && (header('tracestate') || undefined);
    this.span = { traceId, id: randomId(8), parent: parent?.id, flags, state };
    this.endpoint = endpoint;
    this.#context = context;
  }

  /** The calls of others that it waited for. */
  get joined(): readonly Span[] {
    return this.#joined;
  }

  /** Milliseconds since the epoch. */
  now(): number {
    return this.#context.clock.now();
  }

  /** It waits for somebody else's call; `span` is that one's, if it is traced. */
  join(span: Span | undefined): void {
    if (span !== undefined) this.#joined.push(span);
  }

  /** A call made for it. */
  call(target: CallTarget): TracedCall {
    const span = { ...this.span, id: randomId(8), parent: this.span.id };
    return new TracedCall(this.#context, span, target, this.endpoint);
  }
}

/** A call to an upstream, made for a request that is traced. */
export class TracedCall {
  readonly span: Span;
  readonly #context: TracingContext;
  readonly #target: CallTarget;
  readonly #endpoint: string | undefined;
  /** Monotonic milliseconds. */
  readonly #began: number;
  #isOver = false;

  constructor(context: TracingContext, span: Span, target: CallTarget, endpoint: string | undefined) {
    this.span = span;
    this.#context = context;
    this.#target = target;
    this.#endpoint = endpoint;
    this.#began = context.clock.elapsed();
  }

  /** The headers, flat, by which the upstream goes on with the trace. */
  get headers(): string[] {
    const { traceId, id, flags, state } = this.span;
    const traceparent = `00-${traceId}-${id}-${flags.toString(16).padStart(2, '0')}`;
    return ['traceparent', traceparent, ...(state === undefined ? [] : ['tracestate', state])];
  }

  /** To be called when it is over; what comes after the first time is of no account. */
  over({ status, error, usage, finish = [] }: CallEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { clock, events } = this.#context;
    const { upstream, method, path, model } = this.#target;
    const called: Called = {
      kind: 'called',
      span: this.span,
      upstream: upstream.name,
      dialect: upstream.dialect,
      endpoint: this.#endpoint,
      model,
      method,
      origin: upstream.origin,
      path: path.replace(/\?.*$/s, ''),
      status,
      error,
      usage,
      finish,
      ms: clock.elapsed() - this.#began,
      at: clock.now(),
    };
    events.emit(called);
  }
}

const SAMPLED = 0b01;
const RANDOM = 0b10;

/** An id of so many random bytes. */
function randomId(bytes: number): string {
  return randomBytes(bytes).toString('hex');
}
