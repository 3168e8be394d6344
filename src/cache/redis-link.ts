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
/** So many answers in a row that do not come, and nobody is sent there any more. */
const LATE_IN_A_ROW = 3;
/** Milliseconds after which a connection that stood is no sign that it breaks again and again. */
const STEADY_MS = 1_000;
/** Milliseconds that is waited for what no request waits for. */
const PATIENCE_MS = 2_000;

/** Redis has given no answer in time, or cannot be asked. */
export class RedisAway extends Error {}

/**
 * The way to a Redis: a connection, and another one when that is lost. Nobody waits for an answer longer than the timeout; a Redis that
 * does not answer is not asked again until it has answered a new connection.
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
  #late = 0;
  #retryMs = RETRY_MS;
  #since = 0;
  #outages = 0;
  #timer: Timer | undefined;
  #retry: Timer | undefined;

  constructor(options: RedisLinkOptions) {
    this.#options = options;
  }

  /** Whether it can be asked. */
  get isUp(): boolean {
    return this.#isUp;
  }

  /** Why it cannot; undefined if it can. */
  get outage(): string | undefined {
    return this.#why;
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
      this.#late = 0;
      this.#since = this.#options.clock.elapsed();
      this.#options.onChange(undefined);
    } catch (thrown) {
      own?.destroy();
      if (this.#connection === own) this.#connection = undefined;
      this.#down(messageOf(thrown));
    }
  }

  /** What Redis answers to a command about `key`. Rejects with what it complains of, or with {@link RedisAway}. */
  async ask(key: string, command: readonly (string | Buffer)[]): Promise<unknown> {
    return await this.#within(this.#usable().send(key, command));
  }

  /** As {@link ask}, for what no request waits for. */
  async askPatiently(key: string, command: readonly (string | Buffer)[]): Promise<unknown> {
    return await this.patiently(this.#usable().send(key, command));
  }

  /** What an answer comes to that no request waits for, unless that takes much too long. */
  async patiently(answer: Promise<unknown>): Promise<unknown> {
    const { promise: over, reject } = Promise.withResolvers<never>();
    const late = () => reject(new RedisAway(`no answer within ${PATIENCE_MS} ms`));
    const timer = this.#options.clock.after(PATIENCE_MS, late);
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
  #within(answer: Promise<unknown>): Promise<unknown> {
    const connection = this.#connection;
    return new Promise((resolve, reject) => {
      const { clock, timeoutMs } = this.#options;
      const waiting: Waiting = {
        end: clock.elapsed() + timeoutMs,
        connection,
        late: () => reject(new RedisAway(`no answer within ${timeoutMs} ms`)),
      };
      this.#waiting.add(waiting);
      this.#watch();
      answer.then(
        (value) => {
          this.#waiting.delete(waiting);
          this.#late = 0;
          resolve(value);
        },
        (thrown: unknown) => {
          this.#waiting.delete(waiting);
          reject(thrown);
        },
      );
    });
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

  #wasLate(connection: RedisConnection | undefined): void {
    this.#late += 1;
    if (this.#late < LATE_IN_A_ROW || connection !== this.#connection) return;
    this.#lost(connection, new RedisAway(`no answer within ${this.#options.timeoutMs} ms, again and again`));
  }

  #lost(connection: RedisConnection | undefined, cause: unknown): void {
    connection?.destroy();
    if (connection === undefined || connection !== this.#connection) return;
    this.#connection = undefined;
    const wasUp = this.#isUp;
    if (wasUp && this.#options.clock.elapsed() - this.#since > STEADY_MS) this.#retryMs = RETRY_MS;
    // One that is still being greeted fails there.
    if (wasUp) this.#down(messageOf(cause));
    else this.#why = messageOf(cause);
  }

  #down(why: string): void {
    if (this.#isUp) this.#outages += 1;
    const isNews = this.#isUp || this.#why !== why;
    this.#isUp = false;
    if (this.#closing.signal.aborted) return;
    this.#why = why;
    if (isNews) this.#options.onChange(why);
    this.#retry?.cancel();
    this.#retry = this.#options.clock.after(this.#retryMs, () => void this.open());
    this.#retryMs = Math.min(2 * this.#retryMs, LONGEST_RETRY_MS);
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
    let late: Waiting | undefined;
    for (const waiting of this.#waiting) {
      if (waiting.end > now) break;
      this.#waiting.delete(waiting);
      waiting.late();
      late = waiting;
    }
    // Those that were asked together are late together.
    if (late !== undefined) this.#wasLate(late.connection);
  }
}

/** Somebody who waits for an answer: until when (monotonic milliseconds), and what is done then. */
interface Waiting {
  readonly end: number;
  readonly connection: RedisConnection | undefined;
  readonly late: () => void;
}
