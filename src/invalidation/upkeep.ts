import type { Marks } from '../cache/marks.ts';
import type { Store } from '../cache/store.ts';
import type { Clock } from '../shared/clock.ts';
import type { Stamps } from '../shared/stamps.ts';
import type { Invalidations } from './invalidations.ts';

/** What upkeep works with. */
export interface UpkeepContext {
  readonly store: Pick<Store, 'sweep'>;
  readonly invalidations: Pick<Invalidations, 'sweep'>;
  readonly marks: Marks;
  readonly stamps: Stamps;
  readonly clock: Clock;
  /** Whether everything that lies in the tiers is known. */
  readonly isListed: () => boolean;
  /** How long what lies in no tier can go on with a stamp it was given: fetches, and what is remembered of traces. Milliseconds. */
  readonly longestMs: number;
}

/** What is to be done every while, so that what is over takes no room: entries, and the marks that nothing needs any more. */
export class Upkeep {
  readonly #context: UpkeepContext;
  /** The last stamps at earlier times (monotonic milliseconds: what is on its way lasts no longer for a clock that is set), the oldest first. */
  readonly #past: { readonly at: number; readonly stamp: number }[] = [];

  /** The oldest stamp of all that lay in the tiers the last time. */
  #oldest = 0;
  #running: Promise<void> | undefined;

  constructor(context: UpkeepContext) {
    this.#context = context;
  }

  /** Does it once. Where that takes longer than until the next time, the two are one: they would pile up, and meet the same. */
  run(): Promise<void> {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #run(): Promise<void> {
    const { store, invalidations, marks, isListed } = this.#context;
    const settled = this.#settled();
    await store.sweep();
    // Of a disk that comes back while others are met, nothing may be: then there may be anything.
    const isComplete = isListed();
    // Also of what was just removed: its marks stay until next time, when it is gone from the disk for sure.
    const met = await invalidations.sweep();
    const oldest = isComplete ? met : 0;
    // What goes from one tier to another meanwhile may be met in neither, and was met where it lay before.
    const least = Math.min(oldest, this.#oldest);
    this.#oldest = oldest;
    if (isListed()) marks.retire(Math.min(least, settled));
  }

  /** No older stamp than this is still on its way. */
  #settled(): number {
    const { clock, stamps, longestMs } = this.#context;
    const over = clock.elapsed() - longestMs;
    this.#past.push({ at: clock.elapsed(), stamp: stamps.last });
    while (this.#past[1] !== undefined && this.#past[1].at <= over) this.#past.shift();
    const [first] = this.#past;
    return first !== undefined && first.at <= over ? first.stamp + 1 : 0;
  }
}
