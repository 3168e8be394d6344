import { createHash } from 'node:crypto';
import type { Bus, Lease } from '../cache/bus.ts';
import type { Key } from '../cache/entry.ts';
import type { Flights } from '../cache/flights.ts';
import type { Store } from '../cache/store.ts';
import type { Clock } from '../shared/clock.ts';
import { setLatest } from '../shared/set-latest.ts';
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

/** How long nobody waits for what was waited for in vain; forgotten too early, it costs somebody another wait. */
const VAIN_MS = 60_000;
const MOST_VAIN = 10_000;

/** The leases that this instance's calls have, or wait for. */
export class Leases {
  readonly context: LeasesContext;
  readonly #common = new Map<string, Common>();
  /** What was waited for in vain, until when it is not waited for again (monotonic milliseconds). */
  readonly #vain = new Map<string, number>();

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

  /** It was waited for, and could not be found then: its answers may be such as are not stored. */
  noteVain(id: string): void {
    setLatest(this.#vain, id, this.context.clock.elapsed() + VAIN_MS, MOST_VAIN);
  }

  /** Whether waiting for it was in vain a while ago. */
  isVain(id: string): boolean {
    return (this.#vain.get(id) ?? 0) > this.context.clock.elapsed();
  }

  /** Lets go of it. The last one gives it back. */
  async leave(id: string, common: Common): Promise<void> {
    common.users -= 1;
    if (common.users > 0) return;
    if (this.#common.get(id) === common) this.#common.delete(id);
    const lease = await common.lease;
    if (lease?.kind === 'held') lease.release();
  }

  /** Resolves when another instance no longer has it, or that takes too long. */
  async over(common: Common): Promise<void> {
    const lease = await common.lease;
    if (lease?.kind !== 'elsewhere') return;
    common.over ??= lease.over(this.context.waitMs);
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
  #hasWaited = false;
  #keys: readonly string[] = [];
  #isSettled = false;

  constructor(leases: Leases) {
    this.#leases = leases;
  }

  /** Whether it had to wait before the parts `lacking` are fetched here, so that it is worth looking again whether they still lack. */
  waits(call: Call, lacking: readonly number[]): boolean | Promise<boolean> {
    const { clock, flights } = this.#leases.context;
    if (this.#isSettled || !isShareable(call)) return false;
    const now = clock.elapsed();
    const keys = lacking.flatMap((part) => call.keys[part] ?? []);
    // What is being fetched here already is joined.
    if (keys.every(({ id }) => flights.find(id, now) !== undefined)) return false;
    const id = leaseOf(keys);
    // Once is enough: waiting for answers that are not stored would only make one caller come after the other, here or elsewhere.
    const isVain = this.#leases.isVain(id);
    if (this.#hasWaited) this.#leases.noteVain(id);
    this.#isSettled = call.plan.streams || this.#hasWaited || isVain;
    if (isVain) return false;
    const taken = this.#take(id, keys);
    return taken === undefined || this.#isSettled ? false : this.#wait(taken);
  }

  /** Whether another instance fetches these parts already, so that they need not be refreshed here. */
  isElsewhere(call: Call, parts: readonly number[]): boolean | Promise<boolean> {
    if (!isShareable(call)) return false;
    const keys = parts.flatMap((part) => call.keys[part] ?? []);
    const taken = this.#take(leaseOf(keys), keys);
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

  #take(id: string, keys: readonly Key[]): Taken | undefined {
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

  async #wait({ id, common }: Taken): Promise<boolean> {
    const lease = await common.lease;
    if (lease?.kind === 'held') {
      this.#isSettled = true;
      return true;
    }
    this.#hasWaited = lease !== undefined;
    await this.#leases.over(common);
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

/** Names what is leased: a key, or the keys of all that a batch lacks. */
function leaseOf(keys: readonly Key[]): string {
  const [only, ...more] = keys;
  if (only !== undefined && more.length === 0) return only.id;
  return createHash('sha256').update(wholeOf(keys)).digest('base64url');
}
