import type { Announcement, Place } from './bus.ts';
import type { Entry, Tagged } from './entry.ts';
import type { Mark } from './mark.ts';
import { Marks } from './marks.ts';
import { Moments } from './moments.ts';

/**
 * The marks that all instances share, as this one knows them. They are ordered by the numbers they got in the shared table, and so are
 * the entries that are shared: each says up to which number its instance had applied marks when its fetch began. No clock is asked.
 */
export class SharedMarks {
  readonly #moments = new Moments();
  /** Their stamps are their numbers. */
  #marks = new Marks();
  /** The last stamp of own marks that have no number yet; 0 where all have. */
  #lastOwn = 0;
  /** These, all of one stamp. */
  #pending = new Marks();
  /** A stamp below those of own marks that may not have come back yet. */
  #beforeOwn = Number.POSITIVE_INFINITY;
  #epoch: string | undefined;
  /** Below which number they have been forgotten, and the last of those that were. */
  #retired = 0;
  #forgotten = 0;

  /** The life of the table that these are of; undefined before it was ever read. */
  get epoch(): string | undefined {
    return this.#epoch;
  }

  /** Forgets everything: the table is another one. */
  begin(epoch: string): void {
    this.#epoch = epoch;
    this.#marks = new Marks();
    this.#forgotten = 0;
    this.#moments.clear();
  }

  /** The table has this under this number. */
  add(announced: Announcement, seq: number): void {
    this.#marks.add({ ...announced, stamp: seq });
  }

  /** Everything up to `seq` counts here for what begins after the stamp; what came with it was given stamps above `before`. */
  applied(before: number, stamp: number, { seq }: Pick<Place, 'seq'>): void {
    this.#moments.add(stamp, seq, Math.min(before, this.#beforeOwn));
    if (this.#lastOwn === 0) this.#beforeOwn = Number.POSITIVE_INFINITY;
  }

  /** Up to which announcement this instance had applied them when the stamp was given; 0 where nobody knows any more. */
  seqAt(stamp: number): number {
    return this.#moments.at(stamp) ?? 0;
  }

  /** A stamp, at most `now`, that every announcement after that one is later than: the oldest there is where nobody knows. */
  stampBefore(seq: number, now: number): number {
    return this.#moments.before(seq, now) ?? PENDING;
  }

  /** These were made here, and count from now on. */
  owe(marks: readonly Mark[]): void {
    for (const mark of marks) {
      this.#beforeOwn = Math.min(this.#beforeOwn, mark.stamp - 1);
      this.#lastOwn = Math.max(this.#lastOwn, mark.stamp);
      this.#pending.add({ ...mark, stamp: PENDING });
    }
  }

  /** Own marks up to this stamp have got their numbers. */
  numbered(stamp: number): void {
    if (stamp < this.#lastOwn) return;
    this.#lastOwn = 0;
    this.#pending = new Marks();
  }

  /**
   * Forgets those with lower numbers than this one, which rise by 1,000 a ms. Once an hour. What was fetched before them is not used
   * any more: a caller or an upstream may have given it a longer life than the settings do.
   */
  retire(seq: number): void {
    if (seq - this.#retired < HOUR_US) return;
    this.#retired = seq;
    for (const { stamp } of this.#marks.all())
      if (stamp < seq) this.#forgotten = Math.max(this.#forgotten, stamp);
    this.#marks.retire(seq);
  }

  /** The entry as it is shared, its stamps being numbers; undefined where nobody knows any more what it is older than. */
  toShared(entry: Entry): Entry | undefined {
    const stamp = this.#moments.at(entry.stamp);
    if (stamp === undefined) return undefined;
    const tags: Tagged[] = [];
    for (const [tag, at] of entry.tags) {
      const seq = this.#moments.at(at);
      if (seq === undefined) return undefined;
      tags.push([tag, seq + 1]);
    }
    // A mark concerns what has its stamp or a lower one, and not what began when it had been applied.
    return { ...entry, stamp: stamp + 1, tags };
  }

  /** A shared entry as one of this instance, found by a look-up that began at `stamp`; undefined if a mark concerns it, or may. */
  toLocal(shared: Entry, stamp: number): Entry | undefined {
    if (shared.stamp <= this.#forgotten || this.#marks.standing(shared) !== 'alive') return undefined;
    const tags = shared.tags.map(([tag]): Tagged => [tag, stamp]);
    const entry = { ...shared, stamp, tags };
    if (this.#lastOwn === 0) return entry;
    const old = { ...shared, stamp: PENDING, tags: shared.tags.map(([tag]): Tagged => [tag, PENDING]) };
    return this.#pending.standing(old) === 'alive' ? entry : undefined;
  }
}

const HOUR_US = 3_600_000_000;
/** The stamp of what is to be older than everything: the numbers begin above it. */
const PENDING = 1;
