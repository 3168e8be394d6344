import type { Lease } from '../cache/bus.ts';
import type { Flights } from '../cache/flights.ts';
import type { Marks } from '../cache/marks.ts';
import type { Store } from '../cache/store.ts';
import { BriefMap } from '../shared/brief-map.ts';
import type { Clock } from '../shared/clock.ts';
import { setLatest } from '../shared/set-latest.ts';
import type { Claims } from './claims.ts';
import type { Slot } from './flight.ts';

/** A lease, which may say that nobody can have stored what it is for since the call looked: then it need not look again. */
export type Given = Lease & { readonly again?: boolean };

/** What leases take. */
export interface LeasesContext {
  /** Who gives them: see `Bus`. */
  readonly bus: { lease(id: string): Promise<Given> | undefined };
  readonly store: Pick<Store, 'written'>;
  readonly flights: Flights<Slot>;
  readonly clock: Clock;
  readonly marks: Pick<Marks, 'latest'>;
  /** Milliseconds that a call waits for another instance at most. */
  readonly waitMs: number;
  /** What a stream is claimed by among the threads of this instance; undefined where there is one. */
  readonly claims: Claims | undefined;
}

/** A lease that calls of this instance have in common. */
export interface CommonLease {
  readonly lease: Promise<Given>;
  /** The stamp of the last mark before it was asked for. */
  readonly since: number;
  /** Resolves when another instance has given it back, or that takes too long; made when somebody waits for it. */
  over: Promise<void> | undefined;
  users: number;
}

/** How long nobody waits for what was waited for in vain; forgotten too early, it costs somebody another wait. */
const VAIN_MS = 60_000;
const MOST_VAIN = 10_000;

/** The leases that this instance's calls have, or wait for. */
export class Leases {
  readonly context: LeasesContext;
  readonly #common = new BriefMap<string, CommonLease>();
  /** What was waited for in vain, until when it is not waited for again (monotonic milliseconds). */
  readonly #vain = new Map<string, number>();

  constructor(context: LeasesContext) {
    this.context = context;
  }

  /**
   * Asks for a lease, with all who ask for it here; undefined where none is needed. Who is answered has to {@link leave} it. With those who
   * wait for another instance, or thread, nobody waits who comes after a mark: what that brings may be meant.
   */
  take(id: string): CommonLease | undefined {
    const { bus, marks } = this.context;
    const since = marks.latest;
    let common = this.#common.get(id);
    if (common === undefined || (common.over !== undefined && since > common.since)) {
      const lease = bus.lease(id);
      if (lease === undefined) return undefined;
      common = { lease, since, over: undefined, users: 0 };
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
  async leave(id: string, common: CommonLease): Promise<void> {
    common.users -= 1;
    if (common.users > 0) return;
    if (this.#common.get(id) === common) this.#common.delete(id);
    const lease = await common.lease;
    if (lease.kind === 'held') lease.release();
  }

  /** Resolves when another instance no longer has it, or that takes too long. */
  async over(common: CommonLease): Promise<void> {
    const lease = await common.lease;
    if (lease.kind !== 'elsewhere') return;
    common.over ??= lease.over(this.context.waitMs);
    await common.over;
  }
}
