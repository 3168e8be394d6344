import { randomUUID } from 'node:crypto';
import { type Clock, every, type Timer } from '../shared/clock.ts';
import type { BusFigures, Lease } from './bus.ts';
import { run, type Send, textOf } from './redis-run.ts';
import { RENEW, TAKE } from './redis-scripts.ts';

/** Milliseconds after which a lease that its holder does not renew is free, and between two renewals. */
const LEASE_MS = 4_000;
const RENEWAL_MS = 1_000;
/** Milliseconds between two looks at a lease that another has: they grow. */
const FIRST_LOOK_MS = 10;
const LOOK_MS = 100;

/** What leases work with. */
export interface RedisLeasesOptions {
  /** For what a request waits for. */
  readonly ask: Send;
  /** For what none waits for. */
  readonly tell: Send;
  readonly keyOf: (id: string) => string;
  readonly clock: Clock;
  /** The number of the last announcement that this instance has applied; 0 where nobody knows. */
  readonly appliedSeq: () => number;
}

/** Leases in Redis: of all instances one fetches what several ask for. Who cannot get an answer has none to wait for. */
export class RedisLeases {
  readonly #options: RedisLeasesOptions;
  #held = 0;
  #waited = 0;
  #waitedMs = 0;

  constructor(options: RedisLeasesOptions) {
    this.#options = options;
  }

  /** Asks for the lease of `id`. Where Redis does not answer everybody has it. */
  async take(id: string): Promise<Lease> {
    const { ask, keyOf, appliedSeq } = this.#options;
    const key = keyOf(id);
    const [whose, seq] = [randomUUID(), String(appliedSeq())];
    const token = `${whose} ${seq}`;
    try {
      const reply = await run(ask, TAKE, [key], [whose, seq, String(LEASE_MS)]);
      if (textOf(reply) !== '1') return { kind: 'elsewhere', over: (ms) => this.#over(key, ms) };
    } catch {
      // It may be given all the same, late.
      this.#set(key, token, 0);
      return { kind: 'held', release() {} };
    }
    this.#held += 1;
    const renewing = this.#renew(key, token);
    return {
      kind: 'held',
      release: () => {
        renewing.cancel();
        this.#set(key, token, 0);
      },
    };
  }

  /** What was had and waited for since the start. */
  figures(): BusFigures['leases'] {
    return { held: this.#held, waited: this.#waited, waitedMs: this.#waitedMs };
  }

  #renew(key: string, token: string): Timer {
    return every(this.#options.clock, RENEWAL_MS, () => this.#set(key, token, LEASE_MS));
  }

  #set(key: string, token: string, ms: number): void {
    run(this.#options.tell, RENEW, [key], [token, String(ms)]).catch(() => undefined);
  }

  async #over(key: string, ms: number): Promise<void> {
    const { ask, clock } = this.#options;
    const began = clock.elapsed();
    this.#waited += 1;
    try {
      for (let pause = FIRST_LOOK_MS; ; pause = Math.min(2 * pause, LOOK_MS)) {
        const left = began + ms - clock.elapsed();
        if (left <= 0) return;
        await new Promise<void>((resolve) => clock.after(Math.min(pause, left), resolve));
        if (textOf(await ask(key, ['EXISTS', key])) !== '1') return;
      }
    } catch {
      // Nobody knows then, and whoever waits goes on alone.
    } finally {
      this.#waitedMs += clock.elapsed() - began;
    }
  }
}
