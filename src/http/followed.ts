import type { Key, Tagged } from '../cache/entry.ts';
import type { Quota } from '../cache/store.ts';
import { RepriseError } from '../shared/errors.ts';
import type { AnswerHead } from '../upstream/exchange.ts';
import { type Cursor, Recording } from '../upstream/recording.ts';
import type { Call } from './call.ts';
import type { FetchContext } from './fetch.ts';
import type { Flight, Landed, Slot } from './flight.ts';
import { type FollowerLine, type FromOwner, MOST_UNTAKEN } from './other-threads.ts';
import { retag } from './retag.ts';
import { SaidTags } from './said-tags.ts';
import type { Settled } from './settled.ts';

/** How long another thread is waited for that does not say whether its fetch may be followed. */
const SILENCE_MS = 1_000;

/**
 * Follows, for a call of one part, what the other thread fetches that is at the other end of the line. Undefined where that is not to
 * be followed; nobody waits for its answer here, only for whether there will be one.
 */
export function follow(
  context: FetchContext,
  call: Call,
  key: Key,
  line: FollowerLine,
): Promise<Followed | undefined> {
  const { promise, resolve } = Promise.withResolvers<Followed | undefined>();
  let followed: Followed | undefined;
  const silence = context.clock.after(SILENCE_MS, () => line.hangUp());
  const hear = (heard: FromOwner) => {
    if (heard.kind !== 'taken') return followed?.hear(heard);
    silence.cancel();
    followed = new Followed(context, call, key, line, heard);
    resolve(followed);
  };
  line.listen(hear, () => {
    silence.cancel();
    followed?.lose();
    resolve(undefined);
  });
  return promise;
}

const NO_STREAM = new RepriseError('upstream_invalid', 'The upstream answered with no stream.');

/**
 * A stream that another thread of this instance fetches, as it is followed here: this thread's callers join it as they would one of its
 * own. It is stored there. Who comes after any invalidation does not join it: what it speaks of is known there.
 */
export class Followed implements Flight {
  readonly plan: Call['plan'];
  readonly stamp: number;
  readonly tags: SaidTags;
  readonly whole: string;
  readonly asker: string;
  readonly traced: Flight['traced'];
  readonly head: Promise<AnswerHead>;
  readonly settled: Promise<Landed>;
  readonly #context: FetchContext;
  readonly #key: Key;
  readonly #quota: Quota;
  readonly #line: FollowerLine;
  readonly #slot: Slot;
  readonly #recording: Recording;
  readonly #begun: PromiseWithResolvers<AnswerHead>;
  readonly #settle: (landed: Landed) => void;
  #live = false;
  #result: Landed | undefined;
  #callers = 0;
  /** Bytes that have come and that the owner has not been told of. */
  #untold = 0;
  #isPaused = false;

  /** Opens a slot for the key. What was `taken` is another thread's fetch for a plan that this call may share it with. */
  constructor(
    context: FetchContext,
    call: Call,
    key: Key,
    line: FollowerLine,
    taken: Extract<FromOwner, { kind: 'taken' }>,
  ) {
    this.#context = context;
    this.#key = key;
    this.#quota = call.quota;
    this.#line = line;
    this.plan = call.plan;
    this.stamp = taken.stamp;
    this.tags = new SaidTags(taken.stamp, taken.tags, line);
    this.whole = key.id;
    this.asker = taken.asker;
    this.traced = taken.span && { span: taken.span };
    this.#begun = Promise.withResolvers();
    this.head = this.#begun.promise;
    // Nobody may be waiting when it fails.
    this.head.catch(() => undefined);
    const { promise, resolve } = Promise.withResolvers<Landed>();
    this.settled = promise;
    this.#settle = resolve;
    this.#recording = new Recording({
      clock: context.clock,
      maxBytes: context.maxEntry,
      onOverflow: () => this.#close(),
      pause: () => {
        this.#isPaused = true;
      },
      resume: () => {
        this.#isPaused = false;
        this.#tell();
      },
    });
    this.#slot = { fetch: this, index: 0 };
    context.flights.open(key.id, this.#slot);
  }

  get live(): boolean {
    return this.#live;
  }

  get result(): Landed | undefined {
    return this.#result;
  }

  get heard(): Promise<void> | undefined {
    return this.#result === undefined ? this.tags.heard : undefined;
  }

  isUntouched(index: number, more: readonly Tagged[]): boolean {
    const { marks } = this.#context;
    if (this.#result !== undefined || marks.latest > this.stamp) return false;
    const subject = { key: this.#key, stamp: this.stamp, tags: this.tags.of(index) };
    return marks.standing(subject, more) === 'alive';
  }

  join(ttlMs: number | undefined): Cursor {
    this.#callers += 1;
    this.tags.limit(ttlMs);
    return this.#recording.follow();
  }

  leave(cursor: Cursor): void {
    cursor.leave();
    this.#callers -= 1;
    if (this.#callers > 0) return;
    this.lose();
    this.#line.hangUp();
  }

  /** Takes what the owner says. */
  hear(heard: FromOwner): void {
    switch (heard.kind) {
      case 'taken':
        break;
      case 'head':
        this.#live = true;
        this.#begun.resolve(heard.head);
        break;
      case 'chunk':
        this.#untold += heard.chunk.length;
        this.#recording.append(heard.chunk);
        if (this.#untold >= MOST_UNTAKEN / 2) this.#tell();
        break;
      case 'heard':
        this.tags.heardUpTo(heard.count);
        break;
      case 'settled':
        this.#land(heard.settled);
        break;
      case 'end':
        this.#recording.complete();
        this.#line.hangUp();
        break;
      case 'broken':
        this.#recording.fail(heard.error);
        this.#line.hangUp();
        break;
    }
  }

  /** The line is dead: its end has come, nobody here wants it any more, or the other thread is gone, or has nothing to follow. */
  lose(): void {
    const error = new RepriseError(
      'upstream_unreachable',
      'The thread that fetched this answer ended before it was complete.',
    );
    this.#recording.fail(error);
    this.#begun.reject(error);
    this.#finish({ kind: 'withdrawn' });
    this.tags.heardUpTo();
  }

  /** The owner need not wait for what was taken. */
  #tell(): void {
    if (this.#isPaused) return;
    this.#line.say({ kind: 'took', bytes: this.#untold });
    this.#untold = 0;
  }

  /** What became of it is known. What callers here said too late for the owner is added to what it has stored. */
  #land(settled: Settled): void {
    const entry = settled.kind === 'entries' && settled.stored ? settled.entries[0] : undefined;
    if (entry !== undefined) {
      const { tags } = this;
      retag(this.#context, entry, { tags: tags.of(0), isWhole: !tags.incomplete }, this.#quota);
    }
    // Where no stream has begun none will.
    this.#begun.reject(NO_STREAM);
    this.#finish(settled);
    this.tags.heardUpTo();
  }

  #finish(landed: Landed): void {
    this.#close();
    this.#result ??= landed;
    this.#settle(landed);
  }

  #close(): void {
    this.#context.flights.close(this.#key.id, this.#slot);
  }
}
