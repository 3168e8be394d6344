import { createHash } from 'node:crypto';
import type { Key } from '../cache/entry.ts';
import { type Boarding, welcomes } from './boarding.ts';
import type { Call } from './call.ts';
import type { Claims, CommonClaim } from './claims.ts';
import { wholeOf } from './flight.ts';
import type { CommonLease, Leases } from './leases.ts';

/** A lease of one call, which it may have in common with others. */
interface Taken {
  readonly id: string;
  readonly common: CommonLease;
}

/**
 * What one call does not to fetch what another thread or instance is fetching: who wants JSON waits for it; who wants a stream follows
 * that of another thread, and starts one at once where only another instance has any, since its first words come sooner.
 */
export class Errand {
  readonly #leases: Leases;
  #taken: Taken | undefined;
  #claim: CommonClaim | undefined;
  #boarding: Boarding | undefined;
  #hasWaited = false;
  #keys: readonly string[] = [];
  #isSettled = false;
  /** Whether it has followed another thread's stream, or was to. */
  #hasFollowed = false;

  constructor(leases: Leases) {
    this.#leases = leases;
  }

  /** Whether it had to wait before the parts `lacking` are fetched here, so that it is worth looking again whether they still lack. */
  waits(call: Call, lacking: readonly number[]): boolean | Promise<boolean> {
    const { clock, flights, claims } = this.#leases.context;
    if (this.#isSettled || !isShareable(call)) return false;
    if (call.plan.streams && claims !== undefined) return this.#claims(claims, call, lacking);
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
    return taken?.common.lease.then((lease) => lease.kind === 'elsewhere') ?? false;
  }

  /** What lacks is being fetched: the lease is given back when that is over. */
  follow(boarding: Boarding): void {
    this.#boarding = boarding;
    const claim = this.#claim;
    const { claims } = this.#leases.context;
    if (claim === undefined || claims === undefined) return;
    claims.open(claim);
    // What is followed is held by its callers.
    if (this.#isSettled) return;
    this.#claim = undefined;
    void claims.leave(claim);
  }

  /** The call has what it needs, or has given up. */
  end(): void {
    const { claims } = this.#leases.context;
    const [taken, claim] = [this.#taken, this.#claim];
    if (taken !== undefined) void this.#end(() => this.#leases.leave(taken.id, taken.common));
    if (claim !== undefined) void this.#end(async () => claims?.leave(claim));
  }

  #take(id: string, keys: readonly Key[]): Taken | undefined {
    const common = this.#leases.take(id);
    if (common === undefined) return undefined;
    this.#taken = { id, common };
    this.#keys = keys.map((key) => key.id);
    return this.#taken;
  }

  async #end(leave: () => Promise<void>): Promise<void> {
    await this.#boarding?.complete();
    await this.#leases.context.store.written(this.#keys);
    await leave();
  }

  /** What {@link waits} says of a stream, of which the threads of this instance make one call. */
  #claims(claims: Claims, call: Call, [part]: readonly number[]): boolean | Promise<boolean> {
    const { clock, flights } = this.#leases.context;
    const key = part === undefined ? undefined : call.keys[part];
    if (part === undefined || key === undefined) return false;
    const slot = flights.find(key.id, clock.elapsed());
    if (slot !== undefined && welcomes(slot, call, part)) return false;
    // What was followed in vain is not followed again.
    const anyway = this.#hasFollowed || this.#boarding !== undefined;
    this.#isSettled = anyway;
    this.#keys = [key.id];
    const claim = claims.take(call, key, anyway);
    this.#claim = claim;
    return anyway ? false : this.#claimed(claims, claim);
  }

  async #claimed(claims: Claims, claim: CommonClaim): Promise<boolean> {
    const answer = await claim.answer;
    if (answer.kind === 'held') {
      this.#isSettled = true;
      return answer.again;
    }
    this.#hasFollowed = true;
    if (answer.fetch.result === undefined) return false;
    this.#claim = undefined;
    await claims.leave(claim);
    return true;
  }

  async #wait({ id, common }: Taken): Promise<boolean> {
    const lease = await common.lease;
    if (lease.kind === 'held') {
      this.#isSettled = true;
      return lease.again ?? true;
    }
    this.#hasWaited = true;
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
