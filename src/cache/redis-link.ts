import type { Clock, Timer } from '../shared/clock.ts';
import { messageOf } from '../shared/errors.ts';
import type { RedisConnection } from './redis-client.ts';

/** What a link works with. */
export interface RedisLinkOptions {
  /** Connects, unless `signal` says that nobody wants it any more, and has `onLost` told when that connection is lost. */
  readonly connect: (onLost: (cause: unknown) => void, signal: AbortSignal) => Promise<RedisConnection>;
  readonly clock: Clock;
  /** Milliseconds that anybody waits for an answer. */
  readonly timeoutMs: number;
  /** Prepares a new connection before anybody else may use it. Where it rejects, that is given up. */
  readonly greet: (connection: RedisConnection) => Promise<void>;
  /** Told when it cannot be reached any more, and why, and when it can again. */
  readonly onChange: (why: string | undefined) => void;
}

/** Milliseconds to the next try to connect: the first, and at most. */
const RETRY_MS = 100;
const LONGEST_RETRY_MS = 1_000;
/** Milliseconds after which a connection that stood, and was prompt, is no sign that it breaks again and again. */
const STEADY_MS = 1_000;
/** A request may ask once, or for a lease and then again: that together must not take longer than the timeout. */
const ASKED_AT_LEAST = 2;
const ASKED_WITH_LEASE = 3;
/** How many answers the average is over, about; those of commands with more words are no measure, but of what the same request asks next. */
const AVERAGED = 2;
const FEW_WORDS = 10;
/** Milliseconds that is waited for what no request waits for, at least. */
const PATIENCE_MS = 2_000;

/** Redis has given no answer in time, or cannot be asked. */
export class RedisAway extends Error {}

/**
 * The way to a Redis: a connection, and another one when that is lost. Nobody waits for an answer longer than the timeout. While an
 * answer is late, or answers take so long that a request would wait longer for several of them, no request is sent there: it has to be
 * found prompt again before.
 */
export class RedisLink {
  readonly #options: RedisLinkOptions;
  /** In the order of their ends, which are equally far from their beginnings. */
  readonly #waiting = new Set<Waiting>();
  #connection: RedisConnection | undefined;
  /** Whether the connection has been greeted. */
  #isUp = false;
  #why: string | undefined = 'not connected yet';
  readonly #closing = new AbortController();
  /** Why nobody is to wait for what it answers; undefined if that comes soon enough. */
  #slow: string | undefined;
  /** Milliseconds that an answer takes, on average, and that the last one took. */
  #averageMs = 0;
  #lastMs = 0;
  #retryMs = RETRY_MS;
  #since = 0;
  #outages = 0;
  #timer: Timer | undefined;
  #retry: Timer | undefined;

  constructor(options: RedisLinkOptions) {
    this.#options = options;
  }

  /** Whether there is a connection. */
  get isUp(): boolean {
    return this.#isUp;
  }

  /** Whether it can be asked while a request waits. */
  get isPrompt(): boolean {
    return this.#isUp && this.#slow === undefined;
  }

  /** Whether it is so prompt that it can also be asked for a lease. */
  get isBrisk(): boolean {
    return (
      this.isPrompt && ASKED_WITH_LEASE * Math.max(this.#averageMs, this.#lastMs) <= this.#options.timeoutMs
    );
  }

  /** Why it cannot be asked while a request waits; undefined if it can. */
  get outage(): string | undefined {
    return this.#why ?? this.#slow;
  }

  /** How often it could not be asked any more. */
  get outages(): number {
    return this.#outages;
  }

  /** Tries to connect, once; goes on trying behind. Resolves when that one try has come to an end. */
  async open(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    let own: RedisConnection | undefined;
    try {
      own = await this.#options.connect((cause) => this.#lost(own, cause), this.#closing.signal);
      if (this.#closing.signal.aborted) return own.destroy();
      this.#connection = own;
      await this.#options.greet(own);
      // It may have been lost meanwhile.
      if (this.#connection !== own) throw new RedisAway(this.#why ?? 'the connection was lost');
      this.#isUp = true;
      this.#why = undefined;
      this.#prompt();
    } catch (thrown) {
      own?.destroy();
      if (this.#connection === own) this.#connection = undefined;
      this.#down(messageOf(thrown));
    }
  }

  /** What Redis answers to a command about `key`. Rejects with what it complains of, or with {@link RedisAway}. */
  async ask(key: string, command: readonly (string | Buffer)[]): Promise<unknown> {
    const connection = this.#usable();
    if (this.#slow !== undefined) throw new RedisAway(this.#slow);
    return await this.#within(connection, key, command);
  }

  /** As {@link ask}, for what no request waits for. */
  async askPatiently(key: string, command: readonly (string | Buffer)[]): Promise<unknown> {
    return await this.patiently(this.#usable().send(key, command));
  }

  /** What an answer comes to that no request waits for, unless that takes much too long. */
  async patiently(answer: Promise<unknown>): Promise<unknown> {
    const { promise: over, reject } = Promise.withResolvers<never>();
    const { clock, timeoutMs } = this.#options;
    const ms = Math.max(PATIENCE_MS, timeoutMs);
    const timer = clock.after(ms, () => reject(new RedisAway(`no answer within ${ms} ms`)));
    try {
      return await Promise.race([answer, over]);
    } finally {
      timer.cancel();
    }
  }

  /** The connection, where there is one that can be asked. */
  #usable(): RedisConnection {
    if (this.#connection === undefined || !this.#isUp) throw new RedisAway(this.#why);
    return this.#connection;
  }

  /** What an answer comes to, unless that takes longer than a request may wait. */
  #within(connection: RedisConnection, key: string, command: readonly (string | Buffer)[]): Promise<unknown> {
    const { clock, timeoutMs } = this.#options;
    const answer = connection.send(key, command);
    return new Promise((resolve, reject) => {
      const began = clock.elapsed();
      const late = () => {
        const why = `no answer within ${timeoutMs} ms`;
        reject(new RedisAway(why));
        void this.#slowed(connection, key, why);
      };
      const waiting: Waiting = { end: began + timeoutMs, late };
      this.#waiting.add(waiting);
      this.#watch();
      answer.then(
        (value) => {
          this.#waiting.delete(waiting);
          this.#lastMs = clock.elapsed() - began;
          if (command.length <= FEW_WORDS) this.#took(connection, key, this.#lastMs);
          resolve(value);
        },
        (thrown: unknown) => {
          this.#waiting.delete(waiting);
          reject(thrown);
        },
      );
    });
  }

  /** An answer took so long. */
  #took(connection: RedisConnection, key: string, ms: number): void {
    const { timeoutMs } = this.#options;
    this.#averageMs += (ms - this.#averageMs) / AVERAGED;
    if (ASKED_AT_LEAST * this.#averageMs <= timeoutMs) return;
    void this.#slowed(connection, key, `answers take more than ${timeoutMs / ASKED_AT_LEAST} ms`);
  }

  /** What it is asked about `key` it does not answer soon enough: from now on it is asked that now and then, until it does. */
  async #slowed(connection: RedisConnection, key: string, why: string): Promise<void> {
    if (connection !== this.#connection || !this.isPrompt) return;
    const { clock, timeoutMs, onChange } = this.#options;
    let pauseMs = this.#wasSteady() ? 0 : this.#lengthened();
    this.#slow = why;
    this.#outages += 1;
    onChange(why);
    try {
      for (;;) {
        await new Promise<void>((resolve) => clock.after(pauseMs, resolve));
        if (connection !== this.#connection) return;
        const began = clock.elapsed();
        await this.patiently(connection.send(key, ['EXISTS', key]));
        if (ASKED_AT_LEAST * (clock.elapsed() - began) <= timeoutMs) break;
        pauseMs = this.#lengthened();
      }
      if (connection === this.#connection) this.#prompt();
    } catch (thrown) {
      this.#lost(connection, thrown);
    }
  }

  /** It can be asked from now on. */
  #prompt(): void {
    this.#slow = undefined;
    this.#averageMs = 0;
    this.#lastMs = 0;
    this.#since = this.#options.clock.elapsed();
    this.#options.onChange(undefined);
  }

  /** Whether it was prompt for so long that this is no case of one that comes and goes; then tries begin with a short pause again. */
  #wasSteady(): boolean {
    const wasSteady = this.#options.clock.elapsed() - this.#since > STEADY_MS;
    if (wasSteady) this.#retryMs = RETRY_MS;
    return wasSteady;
  }

  /** Milliseconds to the next try; the one after that comes later. */
  #lengthened(): number {
    const ms = this.#retryMs;
    this.#retryMs = Math.min(2 * ms, LONGEST_RETRY_MS);
    return ms;
  }

  /** Gives a connection up that is of no use, for another one. */
  renew(why: string): void {
    this.#lost(this.#connection, new RedisAway(why));
  }

  /** All keys that begin with `prefix`, page by page. However long it takes: nobody's request waits for it. Rejects as {@link ask}. */
  async scan(prefix: string, told: (keys: readonly string[]) => Promise<void>): Promise<void> {
    await this.#usable().scan(prefix, told);
  }

  close(): void {
    this.#closing.abort();
    this.#isUp = false;
    this.#why = 'closed';
    this.#retry?.cancel();
    this.#connection?.destroy();
    this.#connection = undefined;
  }

  #lost(connection: RedisConnection | undefined, cause: unknown): void {
    connection?.destroy();
    if (connection === undefined || connection !== this.#connection) return;
    this.#connection = undefined;
    const wasUp = this.#isUp;
    if (this.isPrompt) this.#wasSteady();
    // One that is still being greeted fails there.
    if (wasUp) this.#down(messageOf(cause));
    else this.#why = messageOf(cause);
  }

  #down(why: string): void {
    if (this.isPrompt) this.#outages += 1;
    const isNews = this.#isUp || this.#why !== why;
    this.#isUp = false;
    this.#slow = undefined;
    if (this.#closing.signal.aborted) return;
    this.#why = why;
    if (isNews) this.#options.onChange(why);
    this.#retry?.cancel();
    this.#retry = this.#options.clock.after(this.#lengthened(), () => void this.open());
  }

  /** One timer, for the one that has waited longest: of thousands of answers nearly all come in time. */
  #watch(): void {
    if (this.#timer !== undefined) return;
    const [first] = this.#waiting;
    if (first === undefined) return;
    const { clock } = this.#options;
    this.#timer = clock.after(Math.max(1, first.end - clock.elapsed()), () => {
      // Where it is this process that had no time, the answers may be here, and are read before that.
      setImmediate(() => {
        this.#timer = undefined;
        this.#giveUpLate();
        this.#watch();
      });
    });
  }

  #giveUpLate(): void {
    const now = this.#options.clock.elapsed();
    for (const waiting of this.#waiting) {
      if (waiting.end > now) break;
      this.#waiting.delete(waiting);
      waiting.late();
    }
  }
}

/** Somebody who waits for an answer: until when (monotonic milliseconds), and what is done then. */
interface Waiting {
  readonly end: number;
  readonly late: () => void;
}
