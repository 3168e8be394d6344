import { randomUUID } from 'node:crypto';
import type { Clock, Timer } from '../shared/clock.ts';
import { messageOf } from '../shared/errors.ts';
import type { Event, Events } from './events.ts';

/** A message to be signed, as Standard Webhooks sends it. */
export interface AlertDraft {
  readonly id: string;
  /** `alert.raised` or `alert.cleared`. */
  readonly event: string;
  /** JSON. */
  readonly payload: string;
  /** Of this attempt, in milliseconds since the epoch. */
  readonly now: number;
}

/** How alerts are posted. */
export interface AlertPostsOptions {
  readonly clock: Clock;
  readonly events: Events;
  /** The name of the machine, which messages say. */
  readonly host: string;
  /** Signs a message, sends it, and gives the status of the answer. Rejects if there is none before `signal` gives up. */
  readonly send: (draft: AlertDraft, signal: AbortSignal) => Promise<number>;
}

/** What became of messages and of the attempts to send them. */
export interface AlertPostCounts {
  delivered: number;
  /** Attempts. */
  failed: number;
  /** Messages that were given up. */
  dropped: number;
}

interface Message {
  readonly id: string;
  readonly event: string;
  readonly payload: string;
  /** Monotonic milliseconds. */
  readonly since: number;
}

const MOST = 100;
const GIVE_UP_MS = 3_600_000;
const ATTEMPT_MS = 15_000;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
/** What a stop takes for all that waits. */
const STOP_MS = 3_000;

/**
 * Posts alerts, one after the other and in their order: that one is over is not told before that it is there. What cannot be delivered is tried
 * again under the same id, after pauses that double to a minute, for an hour. The queue is bounded, and nobody waits for it; of
 * attempts that fail the first is told, and the one that succeeds after them.
 */
export class AlertPosts {
  readonly counts: AlertPostCounts = { delivered: 0, failed: 0, dropped: 0 };
  readonly #options: AlertPostsOptions;
  readonly #deaf: () => void;
  readonly #stopping = new AbortController();
  #queue: readonly Message[] = [];
  /** The attempt under way; resolves with whether it succeeded, and never rejects. */
  #attempt: Promise<boolean> | undefined;
  #pause: Timer | undefined;
  /** Attempts in a row that failed. */
  #failures = 0;
  #closed = false;

  constructor(options: AlertPostsOptions) {
    this.#options = options;
    this.#deaf = options.events.listen((event) => this.#take(event));
  }

  /** Tries once more to send what waits, for three seconds, and ends. */
  async close(): Promise<void> {
    this.#deaf();
    this.#closed = true;
    this.#pause?.cancel();
    const deadline = this.#options.clock.after(STOP_MS, () => this.#stopping.abort());
    let goesOn = (await this.#attempt) ?? true;
    while (goesOn && this.#queue.length > 0) goesOn = await this.#try();
    deadline.cancel();
    this.counts.dropped += this.#queue.length;
  }

  #take(event: Event): void {
    if (event.kind !== 'alert') return;
    const { clock, host } = this.#options;
    const { id, severity, message, state, since } = event;
    const type = `alert.${state}`;
    const timestamp = new Date(clock.now()).toISOString();
    const data = { id, severity, since: new Date(since).toISOString(), message, host };
    const payload = JSON.stringify({ type, timestamp, data });
    this.#queue = [
      ...this.#queue,
      { id: `msg_${randomUUID()}`, event: type, payload, since: clock.elapsed() },
    ];
    // The first may be on its way.
    if (this.#queue.length > MOST) this.#drop(1);
    this.#goOn();
  }

  /** Sends the first that waits, if nothing is on its way and no pause is to be kept. */
  #goOn(): void {
    if (this.#closed || this.#attempt !== undefined || this.#pause !== undefined) return;
    while (this.#queue[0] !== undefined && this.#options.clock.elapsed() - this.#queue[0].since > GIVE_UP_MS)
      this.#drop(0);
    if (this.#queue.length === 0) return;
    this.#attempt = this.#try();
    void this.#attempt.then((succeeded) => {
      this.#attempt = undefined;
      if (!succeeded && !this.#closed) this.#rest();
      this.#goOn();
    });
  }

  #rest(): void {
    const ms = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (this.#failures - 1));
    this.#pause = this.#options.clock.after(ms, () => {
      this.#pause = undefined;
      this.#goOn();
    });
  }

  /** One attempt at the first that waits. */
  async #try(): Promise<boolean> {
    const [message] = this.#queue;
    if (message === undefined) return true;
    const why = await this.#send(message);
    const { events } = this.#options;
    if (why !== undefined) {
      this.counts.failed += 1;
      this.#failures += 1;
      if (this.#failures === 1) events.emit({ kind: 'degraded', what: WHAT, why });
      return false;
    }
    this.counts.delivered += 1;
    this.#queue = this.#queue.filter((one) => one !== message);
    if (this.#failures > 0)
      events.emit({ kind: 'recovered', what: WHAT, why: `after ${this.#failures} attempts` });
    this.#failures = 0;
    return true;
  }

  /** Why it was not delivered; undefined if it was. */
  async #send({ id, event, payload }: Message): Promise<string | undefined> {
    const { clock, send } = this.#options;
    const giveUp = new AbortController();
    const late = clock.after(ATTEMPT_MS, () => giveUp.abort());
    try {
      const signal = AbortSignal.any([giveUp.signal, this.#stopping.signal]);
      const status = await send({ id, event, payload, now: clock.now() }, signal);
      return status >= 200 && status < 300 ? undefined : `the answer has status ${status}`;
    } catch (thrown) {
      return messageOf(thrown);
    } finally {
      late.cancel();
    }
  }

  #drop(at: number): void {
    this.#queue = this.#queue.toSpliced(at, 1);
    this.counts.dropped += 1;
  }
}

const WHAT = 'posting alerts';
