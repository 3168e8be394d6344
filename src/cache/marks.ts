import { BroadMarks } from './broad-marks.ts';
import type { Tagged } from './entry.ts';
import {
  type Mark,
  oldestOf,
  PURGED,
  type Rank,
  STANDINGS,
  type Standing,
  type Subject,
  worse,
} from './mark.ts';
import { NameMarks } from './name-marks.ts';
import { TagMarks } from './tag-marks.ts';
import { beyond } from './tagged.ts';

/** How many marks are kept; of more the older half becomes one. */
export interface MarkLimits {
  /** Names (tags, keys, types …) with marks of their own; and tags with marks that name other things, too. */
  readonly names: number;
  /** Marks of patterns and of other conditions at once. */
  readonly broad: number;
}

const LIMITS: MarkLimits = { names: 100_000, broad: 1_000 };

/**
 * All invalidations that can still concern something. An entry is judged by stamps alone: marks are neither looked for in the
 * tiers nor carried out there, so that they cost the same whatever the cache holds, and nothing on its way escapes them.
 */
export class Marks {
  readonly #limits: MarkLimits;
  readonly #names = new NameMarks();
  readonly #tags = new TagMarks();
  readonly #broad = new BroadMarks();
  /** Everything asked for up to this stamp is purged, and what was written from it. */
  #floor = 0;
  #latest = 0;
  #latestTag = 0;
  #retired = 0;
  /** How many marks have come. */
  #version = 0;
  /** What was judged by so many marks, and how: `4 × version + rank`. No mark makes anything better. */
  readonly #judged = new WeakMap<Subject, number>();
  readonly #listeners = new Set<(mark: Mark) => void>();

  constructor(limits: MarkLimits = LIMITS) {
    this.#limits = limits;
  }

  /** How many marks are kept. */
  get size(): number {
    return this.#names.size + this.#tags.size + this.#broad.size;
  }

  /** The stamp of the last mark. */
  get latest(): number {
    return this.#latest;
  }

  /** The stamp of the last mark that names a tag. */
  get latestTag(): number {
    return this.#latestTag;
  }

  /** What was asked for before this stamp is gone, and marks of it are forgotten. Where it is met all the same, it is of an older state of a disk. */
  get retired(): number {
    return this.#retired;
  }

  /** Takes a mark. Marks may come in any order: of two that mean the same the later stamp counts. */
  add(mark: Mark): void {
    this.#version += 1;
    const { condition, effect, stamp } = mark;
    this.#latest = Math.max(this.#latest, stamp);
    if (condition?.tags !== undefined) this.#latestTag = Math.max(this.#latestTag, stamp);
    if (condition === undefined && effect === 'purge') this.#floor = Math.max(this.#floor, stamp);
    else if (!this.#names.add(mark) && !this.#tags.add(mark)) this.#broad.add(mark, this.#version);
    for (const [marks, limit] of [
      [this.#names, this.#limits.names],
      [this.#tags, this.#limits.names],
      [this.#broad, this.#limits.broad],
    ] as const) {
      if (marks.size > limit) this.#fold(middle(marks.all()));
    }
    for (const listener of this.#listeners) listener(mark);
  }

  /** Calls `listener` with every mark from now on; gives what ends that. */
  listen(listener: (mark: Mark) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** What becomes of `subject` for a request that itself speaks of `more`, by every mark up to now. */
  standing(subject: Subject, more: readonly Tagged[] = []): Standing {
    const rank = this.#rankOf(subject);
    const added = beyond(subject.tags, more);
    if (added.length === 0) return STANDINGS[rank];
    return STANDINGS[worse(rank, this.#judge({ ...subject, tags: added }, 0))];
  }

  /** Forgets the marks that are older than everything they could concern: whatever was asked for before `oldest` is gone. */
  retire(oldest: number): void {
    this.#retired = Math.max(this.#retired, oldest);
    this.#names.forget(oldest);
    this.#tags.forget(oldest);
    this.#broad.forget(oldest);
    if (this.#floor < oldest) this.#floor = 0;
  }

  /** Marks that together say what these do. */
  *all(): Iterable<Mark> {
    if (this.#floor > 0) yield { condition: undefined, effect: 'purge', stamp: this.#floor };
    yield* this.#names.all();
    yield* this.#tags.all();
    yield* this.#broad.all();
  }

  #rankOf(subject: Subject): Rank {
    const known = this.#judged.get(subject) ?? 0;
    if (known >= 4 * this.#version) return rankIn(known);
    const rank = worse(rankIn(known), this.#judge(subject, Math.floor(known / 4)));
    this.#judged.set(subject, 4 * this.#version + rank);
    return rank;
  }

  /** What those marks say of a subject that came after `version`; some of the others, too. */
  #judge(subject: Subject, version: number): Rank {
    if (oldestOf(subject) <= this.#floor) return PURGED;
    const rank = worse(this.#names.rank(subject), this.#tags.rank(subject));
    return worse(rank, this.#broad.rank(subject, version));
  }

  /** Everything up to `stamp` becomes one mark: what was asked for before is dead. */
  #fold(stamp: number): void {
    this.#floor = Math.max(this.#floor, stamp);
    // Stamps are whole numbers.
    this.#names.forget(stamp + 1);
    this.#tags.forget(stamp + 1);
    this.#broad.forget(stamp + 1);
  }
}

function rankIn(judged: number): Rank {
  const rank = judged % 4;
  return rank === 0 || rank === 1 ? rank : PURGED;
}

/** The stamp in the middle of these marks'. */
function middle(marks: Iterable<Mark>): number {
  const stamps = [...marks].map(({ stamp }) => stamp).sort((one, other) => one - other);
  return stamps[stamps.length >> 1] ?? 0;
}
