import { type AddressInfo, createServer } from 'node:net';
import type { TierHealth } from '../cache/tier.ts';
import { type Serving, urlAt } from '../http/service.ts';
import type { Events } from '../observe/events.ts';
import type { Cell } from '../shared/cell.ts';
import { atMost, type Clock, type Timer } from '../shared/clock.ts';
import type { HubCalls } from './calls.ts';
import type { Desk } from './desk.ts';
import type { Reports } from './reports.ts';
import type { Start } from './start.ts';
import { Thread } from './thread-at-hub.ts';

/** What a crew works with. */
export interface CrewContext {
  readonly clock: Clock;
  readonly events: Events;
  /** How many threads there are to be. */
  readonly size: number;
  readonly start: Omit<Start, 'number' | 'port' | 'listen' | 'ahead'>;
  /** How many requests a thread is answering, by its number. */
  readonly runningIn: (number: number) => Cell;
  readonly secure: boolean;
  readonly drainMs: number;
  readonly reports: Reports<Thread>;
  /** Makes what serves a thread. */
  readonly deskFor: (thread: Thread) => Desk;
  /** Closes all that lies behind the threads. */
  readonly close: () => Promise<void>;
}

/** How long a thread's place stays empty when it has ended at once: twice as long each time. */
const LEAST_WAIT_MS = 100;
const MOST_WAIT_MS = 10_000;
/** A thread that lasted for so long did not end at once. */
const LASTING_MS = 60_000;
const REPORT_EVERY_MS = 1_000;
/** For how long a thread's report, or its end, is waited for beyond what it may take. */
const PATIENCE_MS = 2_000;

/** The threads that answer requests: as many as there are to be, also when one of them ends. */
export class Crew implements Serving {
  readonly #context: CrewContext;
  readonly #desks = new Map<Thread, Desk>();
  /** Those that take requests. */
  readonly #working = new Set<Thread>();
  readonly #returning = new Set<Timer>();
  #reporting: Timer | undefined;
  #url = '';
  #accepting = true;
  #restarts = 0;
  #isDraining = false;
  #stopped: Promise<void> | undefined;

  constructor(context: CrewContext) {
    this.#context = context;
  }

  /** Starts all threads. Rejects if one of them cannot listen, or does not come so far. Port 0 picks a free one. */
  async listen(host: string, port: number): Promise<void> {
    const { size, secure, close } = this.#context;
    try {
      const { address, release } = await freeAddress(host, port);
      this.#url = urlAt(address, secure);
      const listen = { host, port: address.port };
      const numbers = Array.from({ length: size }, (_, index) => index + 1);
      await Promise.all(numbers.map((number) => this.#enlist(number, listen).begun)).finally(release);
      for (const thread of this.#desks.keys()) this.#watch(thread, listen, LEAST_WAIT_MS);
    } catch (thrown) {
      for (const thread of this.#desks.keys()) await thread.end();
      await close();
      throw thrown;
    }
    this.#reportSoon();
  }

  get url(): string {
    return this.#url;
  }

  get accepting(): boolean {
    return this.#accepting;
  }

  get running(): number {
    let sum = 0;
    for (const { number } of this.#working) sum += this.#context.runningIn(number).get();
    return sum;
  }

  /** How many there are to be, how many take requests, and how often one took another's place. */
  get state(): { readonly size: number; readonly working: number; readonly restarts: number } {
    return { size: this.#context.size, working: this.#working.size, restarts: this.#restarts };
  }

  health(): TierHealth {
    const { size, working } = this.state;
    // At a stop they end because they are to.
    if (working === size || !this.#accepting) return { state: 'ok' };
    return {
      state: 'degraded',
      reason: `${working} of ${size} threads answer requests; the others ended and are started again`,
    };
  }

  /** Receives what all threads but one have sent up to now. */
  async drain(except: Thread): Promise<void> {
    // What is received asks for the same: that has to wait until all has come that was sent before.
    while (this.#isDraining) await undefined;
    this.#isDraining = true;
    try {
      for (const thread of this.#desks.keys()) if (thread !== except) thread.wire.drain();
    } finally {
      this.#isDraining = false;
    }
  }

  /** Has all threads tell what has happened up to now. One that does not answer in time is left out. */
  async report(): Promise<void> {
    const { clock, reports } = this.#context;
    const told = [...this.#working].map((thread) =>
      thread.wire.ask('report', undefined).then(
        (report) => this.#working.has(thread) && reports.take(thread, report),
        () => undefined,
      ),
    );
    await atMost(clock, PATIENCE_MS, Promise.all(told));
  }

  /** Lets all running answers finish within the drain time, and ends all threads, then what is behind them. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    const { clock, drainMs, close } = this.#context;
    this.#accepting = false;
    this.#reporting?.cancel();
    for (const timer of this.#returning) timer.cancel();
    await Promise.all(
      [...this.#desks.keys()].map(async (thread) => {
        const stopped = thread.wire.ask('stop', undefined).catch(() => undefined);
        await atMost(clock, drainMs + PATIENCE_MS, stopped);
        await thread.end();
      }),
    );
    await close();
  }

  /** Starts a thread. */
  #enlist(number: number, listen: Start['listen']): Thread {
    const { start, clock, events, deskFor, reports } = this.#context;
    const ahead = clock.now() - clock.elapsed();
    const deskOf = (self: Thread): HubCalls => {
      const desk = deskFor(self);
      this.#desks.set(self, desk);
      return desk.calls;
    };
    const thread = new Thread({ ...start, number, listen, ahead }, deskOf, (label, message) =>
      events.emit({ kind: 'background-failed', label, message }),
    );
    const left = thread.begun.then(
      () => this.#working.add(thread),
      () => undefined,
    );
    void Promise.all([thread.gone, left]).then(() => {
      this.#working.delete(thread);
      this.#context.runningIn(number).set(0);
      this.#desks.get(thread)?.close();
      this.#desks.delete(thread);
      reports.forget(thread);
    });
    return thread;
  }

  /** Puts another thread in the place of one that ends by itself, after `waitMs` if it did not last. */
  #watch(thread: Thread, listen: Start['listen'], waitMs: number): void {
    const { clock, events } = this.#context;
    const what = `worker ${thread.number}`;
    const since = clock.elapsed();
    void thread.gone.then((why) => {
      if (!this.#accepting) return;
      events.emit({
        kind: 'degraded',
        what,
        why: `the thread ended (${why}); another one will take its place`,
      });
      const wait = clock.elapsed() - since > LASTING_MS ? LEAST_WAIT_MS : waitMs;
      const timer = clock.after(wait, () => {
        this.#returning.delete(timer);
        this.#restarts += 1;
        const next = this.#enlist(thread.number, listen);
        next.begun.then(
          () => events.emit({ kind: 'recovered', what, why: 'another thread has taken its place' }),
          () => undefined,
        );
        this.#watch(next, listen, Math.min(2 * wait, MOST_WAIT_MS));
      });
      this.#returning.add(timer);
    });
  }

  #reportSoon(): void {
    this.#reporting = this.#context.clock.after(REPORT_EVERY_MS, () => {
      void this.report().then(() => this.#accepting && this.#reportSoon());
    });
  }
}

/**
 * The address to listen on, with a port if none was asked for: nobody knows that yet, and it is kept from others until it is released.
 * Rejects if the address is not ours or somebody listens there: threads that share a port would share it with any other process that does.
 */
async function freeAddress(
  host: string,
  port: number,
): Promise<{ readonly address: AddressInfo; readonly release: () => Promise<void> }> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once('error', reject);
    probe.listen({ host, port, ...(port === 0 ? { reusePort: true } : { exclusive: true }) }, resolve);
  });
  const address = probe.address();
  const release = () => new Promise<void>((resolve) => probe.close(() => resolve()));
  // On one that is known a client might come meanwhile, to whom nobody would answer.
  if (port !== 0) await release();
  if (address === null || typeof address === 'string') throw new Error(`${host} has no ports`);
  return { address, release };
}
