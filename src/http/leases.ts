import { createHash } from 'node:crypto';
import type { Bus, Lease } from '../cache/bus.ts';
import type { Key } from '../cache/entry.ts';
import type { Flights } from '../cache/flights.ts';
import type { Store } from '../cache/store.ts';
import type { Clock } from '../shared/clock.ts';
import type { Boarding } from './boarding.ts';
import type { Call } from './call.ts';
import { type Slot, wholeOf } from './fetch.ts';

/** What leases take. */
export interface LeasesContext {
  readonly bus: Pick<Bus, 'lease'>;
  readonly store: Pick<Store, 'written'>;
  readonly flights: Flights<Slot>;
  readonly clock: Clock;
  /** Milliseconds that a call waits for another instance at most. */
  readonly waitMs: number;
}

/** A lease that calls of this instance have in common. */
interface Common {
  readonly lease: Promise<Lease | undefined>;
  /** Resolves when another instance has given it back, or that takes too long; made when somebody waits for it. */
  over: Promise<void> | undefined;
  users: number;
}

/** A lease of one call, which it may have in common with others. */
interface Taken {
  readonly id: string;
  readonly common: Common;
}

/** The leases that this instance's calls have, or wait for. */
export class Leases {
  readonly context: LeasesContext;
  readonly #common = new Map<string, Common>();

  constructor(context: LeasesContext) {
    this.context = context;
  }

  /** Asks for a lease, with all who ask for it here; undefined where none is needed. Who is answered has to {@link leave} it. */
  take(id: string): Common | undefined {
    let common = this.#common.get(id);
    if (common === undefined) {
      const lease = this.context.bus.lease(id);
      if (lease === undefined) return undefined;
      common = { lease, over: undefined, users: 0 };
      this.#common.set(id, common);
    }
    common.users += 1;
    return common;
  }

  /** Lets go of it. The last one gives it back. */
  async leave(id: string, common: Common): Promise<void> {
    common.users -= 1;
    if (common.users > 0) return;
    if (this.#common.get(id) === common) this.#common.delete(id);
    const lease = await common.lease;
    if (lease?.kind === 'held') lease.release();
  }

  /** Resolves when another instance no longer has it, or `ms` have passed. */
  async over(common: Common, ms: number): Promise<void> {
    const lease = await common.lease;
    if (lease?.kind !== 'elsewhere') return;
    common.over ??= lease.over(ms);
    await common.over;
  }
}

/**
 * What one call does not to fetch what another instance is fetching: who wants JSON waits for it, who wants a stream starts one at once,
 * since its first words come sooner.
 */
export class Errand {
  readonly #leases: Leases;
  #taken: Taken | undefined;
  #boarding: Boarding | undefined;
  /** Monotonic milliseconds at which it no longer waits. */
  #patience: number | undefined;
  #keys: readonly string[] = [];
  #isSettled = false;

  constructor(leases: Leases) {
    this.#leases = leases;
  }

  /** Whether it had to wait before the parts `lacking` are fetched here, so that it is worth looking again whether they still lack. */
  waits(call: Call, lacking: readonly number[]): boolean | Promise<boolean> {
    const { clock, flights, waitMs } = this.#leases.context;
    if (this.#isSettled || !isShareable(call)) return false;
    const now = clock.elapsed();
    const keys = lacking.flatMap((part) => call.keys[part] ?? []);
    // What is being fetched here already is joined.
    if (keys.every(({ id }) => flights.find(id, now) !== undefined)) return false;
    this.#patience ??= now + waitMs;
    const left = this.#patience - now;
    this.#isSettled = call.plan.streams || left <= 0;
    if (left <= 0) return false;
    const taken = this.#take(keys);
    return taken === undefined || call.plan.streams ? false : this.#wait(taken, left);
  }

  /** Whether another instance fetches these parts already, so that they need not be refreshed here. */
  isElsewhere(call: Call, parts: readonly number[]): boolean | Promise<boolean> {
    if (!isShareable(call)) return false;
    const taken = this.#take(parts.flatMap((part) => call.keys[part] ?? []));
    return taken?.common.lease.then((lease) => lease?.kind === 'elsewhere') ?? false;
  }

  /** What lacks is being fetched: the lease is given back when that is over. */
  follow(boarding: Boarding): void {
    this.#boarding = boarding;
  }

  /** The call has what it needs, or has given up. */
  end(): void {
    if (this.#taken !== undefined) void this.#end(this.#taken);
  }

  #take(keys: readonly Key[]): Taken | undefined {
    const [only, ...more] = keys;
    const id = more.length === 0 && only !== undefined ? only.id : digest(wholeOf(keys));
    const common = this.#leases.take(id);
    if (common === undefined) return undefined;
    this.#taken = { id, common };
    this.#keys = keys.map((key) => key.id);
    return this.#taken;
  }

  async #end({ id, common }: Taken): Promise<void> {
    await this.#boarding?.complete();
    await this.#leases.context.store.written(this.#keys);
    await this.#leases.leave(id, common);
  }

  async #wait({ id, common }: Taken, ms: number): Promise<boolean> {
    const lease = await common.lease;
    if (lease?.kind === 'held') {
      this.#isSettled = true;
      return true;
    }
    await this.#leases.over(common, ms);
    this.#taken = undefined;
    await this.#leases.leave(id, common);
    return true;
  }
}

/** Whether others may be served what a call brings, and it what they bring. */
function isShareable({ trusted, policy, directives, revalidation }: Call): boolean {
  const { refresh, onlyIfCached } = directives;
  return trusted && policy.mode === 'on' && !refresh && !onlyIfCached && revalidation === undefined;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
