import type { Clock, Timer } from '../shared/clock.ts';
import { messageOf } from '../shared/errors.ts';
import type { RedisConnection } from './redis-client.ts';
import { Waits } from './waits.ts';

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
/** A request may ask twice, or once and then for a lease and again: that together must not take longer than the timeout. */
const ASKED_AT_LEAST = 2;
const ASKED_WITH_LEASE = 3;
/** A command with more words asks for so much that its answer may take its time though Redis is prompt. */
const FEW_WORDS = 10;
/** Milliseconds that is waited for what no request waits for, at least. */
const PATIENCE_MS = 2_000;

/** Redis has given no answer in time, or cannot be asked. */
export class RedisAway extends Error {}

/**
 * The way to a Redis: a connection, and another one when that is lost. Nobody waits for an answer longer than the timeout. After one
 * that was late, or took so long that a request would wait longer for several of them, no request is sent there, also not the one that
 * waited for that: it has to be found prompt again before.
 */
export class RedisLink {
  readonly #options: RedisLinkOptions;
  readonly #waits: Waits;
  #connection: RedisConnection | undefined;
  /** Whether the connection has been greeted. */
  #isUp = false;
  #why: string | undefined = 'not connected yet';
  readonly #closing = new AbortController();
  /** Why nobody is to wait for what it answers; undefined if that comes soon enough. */
  #slow: string | undefined;
  /** Whether that has been told. */
  #isTold = false;
  /** Milliseconds that the last answer took. */
  #lastMs = 0;
  #retryMs = RETRY_MS;
  #since = 0;
  #outages = 0;
  #retry: Timer | undefined;

  constructor(options: RedisLinkOptions) {
    this.#options = options;
    this.#waits = new Waits(options.clock, options.timeoutMs);
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
    return this.isPrompt && ASKED_WITH_LEASE * this.#lastMs <= this.#options.timeoutMs;
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
      const over = this.#waits.begin(() => {
        const why = `no answer within ${timeoutMs} ms`;
        reject(new RedisAway(why));
        void this.#slowed(connection, key, why, true);
      });
      answer.then(
        (value) => {
          over();
          this.#took(connection, key, command, clock.elapsed() - began);
          resolve(value);
        },
        (thrown: unknown) => {
          over();
          reject(thrown);
        },
      );
    });
  }

  /** An answer took so long. Where a long command's did, a short one finds out whether Redis is slow or was asked for much. */
  #took(connection: RedisConnection, key: string, { length: words }: readonly unknown[], ms: number): void {
    const { timeoutMs } = this.#options;
    this.#lastMs = ms;
    if (ASKED_AT_LEAST * ms <= timeoutMs || connection !== this.#connection || this.#slow !== undefined)
      return;
    if (words > FEW_WORDS) this.#within(connection, key, ['EXISTS', key]).catch(() => undefined);
    else void this.#slowed(connection, key, `answers take more than ${timeoutMs / ASKED_AT_LEAST} ms`, false);
  }

  /**
   * What it is asked about `key` it does not answer soon enough: from now on it is asked that now and then, until it does. That an answer
   * was slow but not late is told when the next one is slow, too: it may have been a moment, of Redis or of this process.
   */
  async #slowed(connection: RedisConnection, key: string, why: string, isLate: boolean): Promise<void> {
    if (connection !== this.#connection || !this.#isUp) return;
    if (isLate) this.#tell(why);
    if (this.#slow !== undefined) return;
    this.#slow = why;
    const { clock, timeoutMs } = this.#options;
    let pauseMs = this.#wasSteady() || !isLate ? 0 : this.#lengthened();
    try {
      for (;;) {
        await new Promise<void>((resolve) => clock.after(pauseMs, resolve));
        if (connection !== this.#connection) return;
        const began = clock.elapsed();
        await this.patiently(connection.send(key, ['EXISTS', key]));
        this.#lastMs = clock.elapsed() - began;
        if (ASKED_AT_LEAST * this.#lastMs <= timeoutMs) break;
        this.#tell(why);
        pauseMs = this.#lengthened();
      }
      if (connection === this.#connection) this.#prompt();
    } catch (thrown) {
      this.#lost(connection, thrown);
    }
  }

  #tell(why: string): void {
    if (this.#isTold) return;
    this.#isTold = true;
    this.#outages += 1;
    this.#options.onChange(why);
  }

  /** It can be asked from now on. */
  #prompt(): void {
    this.#slow = undefined;
    this.#isTold = false;
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

  /** Ends the connection for good. */
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
    if (this.#isUp && !this.#isTold) this.#outages += 1;
    const isNews = this.#isUp || this.#why !== why;
    this.#isUp = false;
    this.#slow = undefined;
    if (this.#closing.signal.aborted) return;
    this.#why = why;
    if (isNews) this.#options.onChange(why);
    this.#retry?.cancel();
    this.#retry = this.#options.clock.after(this.#lengthened(), () => void this.open());
  }
}
