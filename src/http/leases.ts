import type { Bus, Lease } from '../cache/bus.ts';
import type { Flights } from '../cache/flights.ts';
import type { Clock } from '../shared/clock.ts';
import type { Call } from './call.ts';
import type { Fetch, Slot } from './fetch.ts';

/** What asking others takes. */
export interface LeaseContext {
  readonly bus: Pick<Bus, 'lease'>;
  readonly flights: Flights<Slot>;
  readonly clock: Clock;
}

/** What a call may fetch for all instances. To be given back, once, by one of its methods. */
export class Leave {
  readonly #leases: readonly Lease[];

  constructor(leases: readonly Lease[]) {
    this.#leases = leases;
  }

  /** Whether some of it is being fetched by others. */
  get isPart(): boolean {
    return this.#leases.some(({ kind }) => kind === 'elsewhere');
  }

  /** What it is for is fetched; it is given back when that is over, at once if `fetch` is undefined. */
  use(fetch: Fetch | undefined): void {
    if (fetch === undefined) this.#release();
    else void fetch.settled.then(() => this.#release());
  }

  /**
   * Gives it back, and resolves when the others have fetched their part, or after `ms`. Nothing is held meanwhile, so that no two
   * wait for each other.
   */
  async waitForOthers(ms: number): Promise<void> {
    this.#release();
    await Promise.all(this.#leases.map((lease) => (lease.kind === 'elsewhere' ? lease.over(ms) : undefined)));
  }

  #release(): void {
    for (const lease of this.#leases) if (lease.kind === 'held') lease.release();
  }
}

/** Asks for the leave to fetch what a call lacks and nobody here fetches. Undefined, at once, where no others are to be asked. */
export function askOthers(
  { bus, flights, clock }: LeaseContext,
  call: Call,
  lacking: readonly number[],
): Promise<Leave> | undefined {
  // For who must ask itself nobody else could.
  if (!call.trusted || call.policy.mode === 'shadow') return undefined;
  const now = clock.elapsed();
  const asked: Promise<Lease>[] = [];
  for (const part of lacking) {
    const id = call.keys[part]?.id;
    const lease = id === undefined || flights.isTaken(id, now) ? undefined : bus.lease(id);
    if (lease !== undefined) asked.push(lease);
  }
  return asked.length === 0 ? undefined : Promise.all(asked).then((leases) => new Leave(leases));
}
