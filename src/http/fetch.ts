import type { Tagged } from '../cache/entry.ts';
import type { Flights } from '../cache/flights.ts';
import type { Marks } from '../cache/marks.ts';
import type { Store } from '../cache/store.ts';
import type { StreamRecorder, Taken } from '../endpoints/endpoint.ts';
import type { TaggedPlan } from '../endpoints/tagged.ts';
import type { Events } from '../observe/events.ts';
import { isEventStream } from '../openai/sse.ts';
import type { Clock, Timer } from '../shared/clock.ts';
import { messageOf, RepriseError } from '../shared/errors.ts';
import type { Stamps } from '../shared/stamps.ts';
import { type AnswerHead, type Exchange, startExchange } from '../upstream/exchange.ts';
import type { Cursor } from '../upstream/recording.ts';
import { admit } from '../upstream/upstream.ts';
import { FetchTags } from './fetch-tags.ts';
import type { FetchWork } from './fetch-work.ts';
import { callEnd, fetched } from './fetched.ts';
import { type Flight, type Slot, wholeOf } from './flight.ts';
import { cutShort, entriesOf, isAllSaid, type Settled, withoutEntries } from './settled.ts';
import type { SettlingStores } from './settling-stores.ts';
import type { TracedCall } from './tracing.ts';

/** What every fetch works with. */
export interface FetchContext {
  readonly store: Store;
  readonly flights: Flights<Slot>;
  readonly stamps: Stamps;
  readonly marks: Marks;
  readonly settling: SettlingStores;
  readonly clock: Clock;
  readonly events: Events;
  /** Bytes; a larger answer is passed on and never stored. */
  readonly maxEntry: number;
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
export class Fetch implements Flight {
  /** The founder's plan. */
  readonly plan: TaggedPlan;
  readonly stamp: number;
  readonly tags: FetchTags;
  readonly whole: string;
  readonly asker: string;
  readonly head: Promise<AnswerHead>;
  readonly settled: Promise<Settled>;
  readonly heard = undefined;
  readonly #context: FetchContext;
  readonly #work: FetchWork;
  readonly #exchange: Exchange;
  readonly #slots: ReadonlyMap<string, Slot>;
  readonly #settle: (settled: Settled) => void;
  /** Monotonic milliseconds at which it began. */
  readonly #began: number;
  #headMs: number | undefined;
  #tookMs: number | undefined;
  #result: Settled | undefined;
  #head: AnswerHead | undefined;
  #recorder: StreamRecorder | undefined;
  /** Whether the upstream has ended its answer, or is asked for no more of it. */
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
    this.#began = context.clock.elapsed();
    this.plan = work.plan;
    this.stamp = context.stamps.next();
    this.tags = new FetchTags(this.stamp, work.keys.length);
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

  get result(): Settled | undefined {
    return this.#result;
  }

  /** Milliseconds it took, once it is settled. */
  get tookMs(): number | undefined {
    return this.#tookMs;
  }

  get traced(): TracedCall | undefined {
    return this.#work.traced;
  }

  get live(): boolean {
    return this.#recorder !== undefined;
  }

  /**
   * Whether no invalidation since it began concerns what it brings for its part `index`, for a caller that speaks of `more`.
   * Where only the answer's body will say what it speaks of, or nobody can tell, every invalidation of a tag may.
   */
  isUntouched(index: number, more: readonly Tagged[]): boolean {
    const { marks } = this.#context;
    const isKnown = !this.plan.tagsInBody && !this.tags.incomplete;
    if (!isKnown && marks.latestTag > this.stamp) return false;
    const key = this.#work.keys[index];
    const subject = key && { key, stamp: this.stamp, tags: this.tags.of(index) };
    return subject !== undefined && marks.standing(subject, more) === 'alive';
  }

  /** What is stored lives no longer than that, if it is said. */
  shorten(ttlMs: number | undefined): void {
    const least = this.#ttlMs ?? this.#work.policy.ttl;
    if (ttlMs !== undefined && ttlMs < least) this.#ttlMs = ttlMs;
  }

  join(ttlMs: number | undefined): Cursor {
    this.#callers += 1;
    this.#lingering?.cancel();
    this.shorten(ttlMs);
    return this.#exchange.recording.follow();
  }

  /** Lets a caller go. When the last one has left before the answer is complete, the type's policy decides. */
  leave(cursor: Cursor): void {
    cursor.leave();
    this.#callers -= 1;
    if (this.#callers > 0 || this.#ended) return;
    const { on_abandon: onAbandon, linger } = this.#work.policy;
    if (this.#over) this.#endSoon();
    else if (onAbandon === 'finish') return;
    else if (linger === 0) this.#cancel();
    else this.#lingering = this.#context.clock.after(linger, () => this.#cancel());
  }

  #cancel(): void {
    if (this.#callers > 0) return;
    const error = this.#exchange.abort();
    this.#ended = true;
    if (!this.#over) this.#finish({ kind: 'failed', error, abandoned: true });
  }

  /** It is settled, and nobody reads what the upstream may yet say. */
  #endSoon(): void {
    this.#lingering = this.#context.clock.after(TAIL_MS, () => this.#cancel());
  }

  /** A defect of ours in reading an answer fails the fetch, and nothing else. */
  #guard<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (cause) {
      const error = new RepriseError('internal_error', `The answer could not be read: ${messageOf(cause)}`, {
        cause,
      });
      if (!this.#over) this.#finish({ kind: 'failed', error });
      return undefined;
    }
  }

  #onHead(head: AnswerHead): void {
    this.#head = head;
    this.#headMs = this.#context.clock.elapsed() - this.#began;
    this.#work.upstream.health.answered(head.status);
    this.#work.caller.answered(this.#work.realm, head.status);
    const said = this.plan.tagsOfHead(head.headers);
    this.tags.takeAnswer(said.ok ? said.tags : [], said.ok);
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

  /** Gives what is wrong with an answer that has come to its end, for those who follow it. */
  #onEnd(): RepriseError | undefined {
    this.#ended = true;
    this.#lingering?.cancel();
    if (this.#over || this.#head === undefined) return undefined;
    if (this.#recorder !== undefined) {
      const taken = this.#recorder.end() ?? { kind: 'broken', cut: false };
      this.#conclude(taken);
      return taken.kind === 'broken' && taken.cut ? cutShort() : undefined;
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
    return undefined;
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
    const isAll = isAllSaid(taken, this.plan.tagsInBody, this.#head?.status ?? 0);
    this.tags.takeAnswer((taken.kind === 'parts' && taken.tags) || [], isAll);
    this.#finish(taken.kind === 'parts' ? this.#keep(taken) : withoutEntries(taken));
  }

  /** Makes entries of payloads and stores them where they may be. */
  #keep(taken: Extract<Taken, { kind: 'parts' }>): Settled {
    const { store, marks, settling, clock } = this.#context;
    const { keys, policy, quota } = this.#work;
    const made = entriesOf(taken, {
      keys,
      policy,
      ttlMs: this.#ttlMs,
      born: clock.now(),
      stamp: this.stamp,
      tags: this.tags,
      tookMs: clock.elapsed() - this.#began,
    });
    // What was asked for before an invalidation is for those who asked before it.
    const standing = made.entries.filter((entry) => marks.standing(entry) !== 'purged');
    const whole = standing.length === made.entries.length;
    const unsettled = made.entries.some(({ tags }) => settling.concern(tags));
    const barred = made.refused ?? (unsettled ? 'vector-store-written' : undefined);
    const stores = made.lives && barred === undefined && policy.mode !== 'read_only';
    if (stores) store.put(standing, quota);
    const refused = barred ?? (whole ? undefined : 'invalidated');
    return { kind: 'entries', entries: made.entries, stored: stores && whole, refused };
  }

  /** Whether it is settled; what the upstream says after that is read by nobody but may still be coming. */
  get #over(): boolean {
    return this.#result !== undefined;
  }

  #separate(): void {
    const until = this.#context.clock.elapsed() + SEPARATE_MS;
    for (const id of this.#slots.keys()) this.#context.flights.separate(id, until);
  }

  #finish(settled: Settled): void {
    this.#result = settled;
    this.#tookMs = this.#context.clock.elapsed() - this.#began;
    this.#lingering?.cancel();
    if (this.#callers === 0 && !this.#ended) this.#endSoon();
    for (const [id, slot] of this.#slots) this.#context.flights.close(id, slot);
    this.#settle(settled);
    const took = { status: this.#head?.status, ms: this.#tookMs, headMs: this.#headMs };
    this.#context.events.emit(fetched(this.#work, settled, took));
    this.traced?.over(callEnd(settled, took.status));
  }
}
