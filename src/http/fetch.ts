import type { Entry, Key } from '../cache/entry.ts';
import type { Flights } from '../cache/flights.ts';
import type { Quota, Store } from '../cache/store.ts';
import type { Plan, StreamRecorder, Taken } from '../endpoints/endpoint.ts';
import { isEventStream } from '../openai/sse.ts';
import type { Caller } from '../policy/access.ts';
import { type LifetimePolicy, lifetimeOf } from '../policy/lifetime.ts';
import type { Clock, Timer } from '../shared/clock.ts';
import { type ErrorCode, messageOf, RepriseError } from '../shared/errors.ts';
import { type AnswerHead, type Exchange, startExchange } from '../upstream/exchange.ts';
import type { Cursor } from '../upstream/recording.ts';
import { admit, type Upstream } from '../upstream/upstream.ts';

/** What became of a fetch. Never a rejection: those who waited for it may have left. */
export type Settled =
  /** One entry for each part asked, in the order asked; also where they were not stored: `refused` may say why. */
  | {
      readonly kind: 'entries';
      readonly entries: readonly Entry[];
      readonly stored: boolean;
      readonly refused: string | undefined;
    }
  /** Nothing the plan can read: to be passed on as it came, to whom it answered. */
  | { readonly kind: 'answer'; readonly reason: string; readonly personal: boolean }
  | { readonly kind: 'failed'; readonly error: RepriseError };

/** One part being fetched: the part `index` of those its fetch asked for. */
export interface Slot {
  readonly fetch: Fetch;
  readonly index: number;
}

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

/** What every fetch works with. */
export interface FetchContext {
  readonly store: Store;
  readonly flights: Flights<Slot>;
  readonly clock: Clock;
  /** Bytes; a larger answer is passed on and never stored. */
  readonly maxEntry: number;
}

/** One upstream call for some parts of a plan. */
export interface FetchWork {
  readonly plan: Plan;
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
}

// How long the callers of a key whose answers were personal each make their own call. Varnish's builtin.vcl: 120 s.
const SEPARATE_MS = 120_000;
// How long an upstream may take to end an answer that is settled and that nobody reads: long enough for what follows a
// stream's terminal event, so that the connection can be used again.
const TAIL_MS = 1_000;

/**
 * A fetch owns one upstream exchange and the slots of the parts it asked for. It belongs to the cache: callers join and
 * leave, and neither the exchange nor what is stored depends on any of them. What can be stored is in the store before
 * any caller can have seen the last byte, so that an identical request that begins after that is a hit.
 */
export class Fetch {
  /** The founder's plan. */
  readonly plan: Plan;
  /** Identifies what was asked upstream: see {@link wholeOf}. */
  readonly whole: string;
  /** Whom the upstream's answer answers. */
  readonly asker: string;
  /** The upstream's status and headers; rejects with a RepriseError if there is none. */
  readonly head: Promise<AnswerHead>;
  readonly settled: Promise<Settled>;
  readonly #context: FetchContext;
  readonly #work: FetchWork;
  readonly #exchange: Exchange;
  readonly #slots: ReadonlyMap<string, Slot>;
  readonly #settle: (settled: Settled) => void;
  #head: AnswerHead | undefined;
  #recorder: StreamRecorder | undefined;
  /** Whether it is settled; what the upstream says after that is read by nobody but may still be coming. */
  #over = false;
  /** Whether the upstream has ended its answer. */
  #ended = false;
  #callers = 0;
  #lingering: Timer | undefined;
  #ttlMs: number | undefined;

  /** Starts the call and opens a slot for each part asked. Throws what {@link admit} throws. */
  constructor(context: FetchContext, work: FetchWork) {
    admit(work.upstream);
    const { promise, resolve } = Promise.withResolvers<Settled>();
    this.settled = promise;
    this.#settle = resolve;
    this.#context = context;
    this.#work = work;
    this.#ttlMs = work.ttlMs;
    this.plan = work.plan;
    this.whole = wholeOf(work.keys);
    this.asker = work.caller.asker;
    this.#slots = new Map(work.keys.map(({ id }, index) => [id, { fetch: this, index }]));
    for (const [id, slot] of this.#slots) context.flights.open(id, slot);
    this.#exchange = startExchange({
      client: work.upstream.client,
      call: {
        origin: work.upstream.origin,
        path: work.path,
        method: work.method,
        headers: work.headers,
        body: work.body,
      },
      clock: context.clock,
      deadlineMs: work.upstream.deadlineMs,
      maxRecorded: context.maxEntry,
      hooks: {
        head: (head) => this.#onHead(head),
        chunk: (chunk) => this.#guard(() => this.#onChunk(chunk)),
        overflow: () => this.#guard(() => this.#conclude({ kind: 'opaque', reason: 'too-large' })),
        end: () => this.#guard(() => this.#onEnd()),
        error: (error) => this.#onError(error),
      },
    });
    this.head = this.#exchange.head;
  }

  /** Whether the answer is an event stream under way or over, as far as the head is known. */
  get live(): boolean {
    return this.#recorder !== undefined;
  }

  /** Takes a caller in; its own lifetime for what is stored counts if it is the shortest. */
  join(ttlMs: number | undefined): Cursor {
    this.#callers += 1;
    this.#lingering?.cancel();
    if (ttlMs !== undefined) this.#ttlMs = Math.min(ttlMs, this.#ttlMs ?? ttlMs);
    return this.#exchange.recording.follow();
  }

  /** Lets a caller go. When the last one has left before the answer is complete, the type's policy decides. */
  leave(cursor: Cursor): void {
    cursor.leave();
    this.#callers -= 1;
    if (this.#callers > 0 || this.#ended) return;
    const { on_abandon: onAbandon, linger } = this.#work.policy;
    if (this.#over) this.#lingering = this.#context.clock.after(TAIL_MS, () => this.#cancel());
    else if (onAbandon === 'finish') return;
    else if (linger === 0) this.#cancel();
    else this.#lingering = this.#context.clock.after(linger, () => this.#cancel());
  }

  #cancel(): void {
    if (this.#callers > 0) return;
    const error = this.#exchange.abort();
    if (!this.#over) this.#finish({ kind: 'failed', error });
  }

  /** A defect of ours in reading an answer fails the fetch, and nothing else. */
  #guard(read: () => void): void {
    try {
      read();
    } catch (cause) {
      const error = new RepriseError('internal_error', `The answer could not be read: ${messageOf(cause)}`, {
        cause,
      });
      if (!this.#over) this.#finish({ kind: 'failed', error });
    }
  }

  #onHead(head: AnswerHead): void {
    this.#head = head;
    this.#work.upstream.health.answered(head.status);
    this.#work.caller.answered(this.#work.realm, head.status);
    const encoded = head.headers.some(([name]) => name === 'content-encoding');
    if (head.status === 200 && isEventStream(head.headers) && !encoded) {
      this.#recorder = this.#work.plan.record?.(head, this.#context.maxEntry);
    }
  }

  #onChunk(chunk: Buffer): void {
    if (this.#over || this.#recorder === undefined) return;
    const taken = this.#recorder.push(chunk);
    if (taken !== undefined) this.#conclude(taken);
  }

  #onEnd(): void {
    this.#ended = true;
    this.#lingering?.cancel();
    if (this.#over || this.#head === undefined) return;
    if (this.#recorder !== undefined) {
      this.#conclude(this.#recorder.end() ?? { kind: 'broken' });
      return;
    }
    const { status, headers } = this.#head;
    const storable = status === 200 || (status === 404 && this.#work.policy.negative_ttl > 0);
    this.#conclude(
      storable
        ? this.#work.plan.takeApart(
            { status, headers, body: this.#exchange.recording.body() },
            this.#work.asked,
          )
        : { kind: 'opaque', reason: `status:${status}` },
    );
  }

  #onError(error: RepriseError): void {
    this.#ended = true;
    this.#lingering?.cancel();
    if (this.#over) return;
    if (this.#head === undefined || this.#head.status < 500) this.#work.upstream.health.erred(error);
    this.#finish({ kind: 'failed', error });
  }

  #conclude(taken: Taken): void {
    if (this.#over) return;
    if (taken.kind === 'opaque' && taken.personal === true) this.#separate();
    this.#finish(this.#settledAs(taken));
  }

  #settledAs(taken: Taken): Settled {
    switch (taken.kind) {
      case 'parts':
        return this.#keep(taken);
      case 'opaque':
        return { kind: 'answer', reason: taken.reason, personal: taken.personal === true };
      case 'failed':
        return failedWith('upstream_invalid', `The upstream's stream ended in an error: ${taken.error}`);
      case 'broken':
        return failedWith('upstream_unreachable', 'The upstream ended its stream before it was complete.');
    }
  }

  /** Makes entries of payloads and stores them where they may be. */
  #keep(taken: Extract<Taken, { kind: 'parts' }>): Settled {
    const born = this.#context.clock.now();
    const policy = { ...this.#work.policy, ...taken.lifetime };
    const entries: Entry[] = [];
    let stored = taken.refused === undefined && policy.mode !== 'read_only';
    for (const [index, payload] of taken.payloads.entries()) {
      const key = this.#work.keys[index];
      if (key === undefined) throw new Error('an answer has more parts than were asked for');
      const life = lifetimeOf(policy, payload.status, this.#ttlMs, born);
      if (life === undefined) stored = false;
      entries.push({
        key,
        payload,
        ...(life ?? { freshUntil: born, staleUntil: born, keepUntil: born }),
        born: born - (taken.lifetime?.age ?? 0),
      });
    }
    if (stored) this.#context.store.put(entries, this.#work.quota);
    return { kind: 'entries', entries, stored, refused: taken.refused };
  }

  #separate(): void {
    const until = this.#context.clock.elapsed() + SEPARATE_MS;
    for (const id of this.#slots.keys()) this.#context.flights.separate(id, until);
  }

  #finish(settled: Settled): void {
    this.#over = true;
    this.#lingering?.cancel();
    for (const [id, slot] of this.#slots) this.#context.flights.close(id, slot);
    this.#settle(settled);
  }
}

/** Names a whole request by its parts, in order: equal for two requests that ask the upstream for the same. */
export function wholeOf(keys: readonly Key[]): string {
  return keys.map((key) => key.id).join(' ');
}

function failedWith(code: ErrorCode, message: string): Settled {
  return { kind: 'failed', error: new RepriseError(code, message) };
}
