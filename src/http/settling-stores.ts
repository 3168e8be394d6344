import type { Tagged } from '../cache/entry.ts';
import type { Mark } from '../cache/mark.ts';
import type { Marks } from '../cache/marks.ts';
import type { Clock, Timer } from '../shared/clock.ts';
import { type Stamps, stampOf } from '../shared/stamps.ts';

/** What it takes to know which stores are settling. */
export interface SettlingStoresOptions {
  readonly clock: Clock;
  readonly stamps: Pick<Stamps, 'last'>;
  /** All invalidations: each that names a store's tag, or everything, tells that the store may have been written to. */
  readonly marks: Pick<Marks, 'all' | 'listen'>;
}

/** Files are indexed behind the answer to a write: for so long after it a search may yet find what it found before. */
const SETTLING_MS = 60_000;
/** Stores told apart; where more have been written to in that time, all count as written to. */
const MOST_STORES = 10_000;

/** What the tags of vector stores begin with. */
export const STORE_PREFIX = 'vector_store:';

/** What is known of a store that was written to. */
interface Settling {
  /** What has this stamp or an older one may be from before the write; infinite while the store settles. */
  until: number;
  /** There while it settles. */
  timer: Timer | undefined;
}

/**
 * The vector stores that were written to, wherever that was: the mark that drops a store's searches comes to all instances and
 * threads, and is kept over a restart. What was asked of a store until it has settled is never kept, however late it comes.
 */
export class SettlingStores {
  readonly #options: SettlingStoresOptions;
  /** By their tags, in the order in which they were written to. */
  readonly #stores = new Map<string, Settling>();
  /** Of every store, for those that are not told apart. */
  #every: Settling = { until: 0, timer: undefined };
  readonly #leave: () => void;

  constructor(options: SettlingStoresOptions) {
    this.#options = options;
    for (const mark of options.marks.all()) this.#recall(mark);
    this.#leave = options.marks.listen((mark) => this.#hear(mark));
  }

  /** Whether one of these is of a store, and from before that had settled. */
  concern(tags: readonly Tagged[]): boolean {
    return tags.some(([tag, stamp]) => {
      if (!tag.startsWith(STORE_PREFIX)) return false;
      return stamp <= this.#every.until || stamp <= (this.#stores.get(tag)?.until ?? 0);
    });
  }

  /** Hears of no more writes. */
  close(): void {
    this.#leave();
    for (const { timer } of [...this.#stores.values(), this.#every]) timer?.cancel();
  }

  #hear({ condition }: Mark): void {
    if (condition === undefined) this.#every = this.#begun(this.#every);
    for (const tag of storesIn(condition?.tags)) this.#put(tag, this.#begun(this.#stores.get(tag)));
  }

  /**
   * Takes in a mark from before: of a process that has ended, of the thread whose place this one takes, or of other instances. How old
   * it is its stamp tells, unless that is ahead of the clock. Then it may be of this moment.
   */
  #recall(mark: Mark): void {
    const until = mark.stamp + stampOf(SETTLING_MS) - 1;
    if (until >= stampOf(this.#options.clock.now())) {
      this.#hear(mark);
      return;
    }
    if (mark.condition === undefined) this.#raise(until);
    for (const tag of storesIn(mark.condition?.tags))
      if (until > (this.#stores.get(tag)?.until ?? 0)) this.#put(tag, { until, timer: undefined });
  }

  #begun(before: Settling | undefined): Settling {
    const { clock, stamps } = this.#options;
    before?.timer?.cancel();
    const settling: Settling = { until: Number.POSITIVE_INFINITY, timer: undefined };
    settling.timer = clock.after(SETTLING_MS, () => {
      settling.until = stamps.last;
      settling.timer = undefined;
    });
    return settling;
  }

  #put(tag: string, settling: Settling): void {
    this.#stores.delete(tag);
    this.#stores.set(tag, settling);
    if (this.#stores.size <= MOST_STORES) return;
    for (const [oldest, { until, timer }] of this.#stores) {
      this.#stores.delete(oldest);
      timer?.cancel();
      if (timer === undefined) this.#raise(until);
      else this.#every = this.#begun(this.#every);
      return;
    }
  }

  #raise(until: number): void {
    this.#every.until = Math.max(this.#every.until, until);
  }
}

function storesIn(tags: readonly string[] = []): readonly string[] {
  return tags.filter((tag) => tag.startsWith(STORE_PREFIX));
}
