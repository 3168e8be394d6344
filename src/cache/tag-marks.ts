import { announcementText } from './announcement.ts';
import { byKey, type Condition } from './condition.ts';
import { ALIVE, type Mark, RANK_OF, type Rank, type Subject } from './mark.ts';

/**
 * The marks of tags that mean only some of what has the tag: what is of a type, a namespace or a model. A subject is held against those of
 * its own tags alone, however many there are: that a product's searches are invalidated must not cost more than that the product is.
 */
export class TagMarks {
  /** By the tag, and by what else they say. */
  readonly #tags = new Map<string, Map<string, TagMark>>();
  #size = 0;

  /** How many there are, of each tag for itself. */
  get size(): number {
    return this.#size;
  }

  /** Takes the mark, and says so, if its condition is of tags and of other names. */
  add(mark: Mark): boolean {
    const { condition, effect, stamp } = mark;
    if (condition?.tags === undefined) return false;
    const { tags, ...rest } = condition;
    if (rest.keys !== undefined || rest.patterns !== undefined) return false;
    const text = announcementText({ condition: rest, effect });
    const isMeant = byKey(rest);
    for (const tag of tags) {
      const marks: Map<string, TagMark> = this.#tags.get(tag) ?? new Map();
      const before = marks.get(text);
      if (before === undefined) this.#size += 1;
      else if (before.stamp >= stamp) continue;
      marks.set(text, { condition: { ...rest, tags: [tag] }, effect, stamp, isMeant });
      this.#tags.set(tag, marks);
    }
    return true;
  }

  /** What these marks say of a subject. */
  rank({ key, tags }: Subject): Rank {
    let rank = ALIVE;
    if (this.#size === 0) return rank;
    for (const [tag, at] of tags) {
      for (const { effect, stamp, isMeant } of this.#tags.get(tag)?.values() ?? []) {
        if (RANK_OF[effect] > rank && at <= stamp && isMeant(key.shown)) rank = RANK_OF[effect];
      }
    }
    return rank;
  }

  /** Forgets those that are older than `oldest`. */
  forget(oldest: number): void {
    for (const [tag, marks] of this.#tags) {
      for (const [text, { stamp }] of marks) {
        if (stamp >= oldest) continue;
        marks.delete(text);
        this.#size -= 1;
      }
      if (marks.size === 0) this.#tags.delete(tag);
    }
  }

  /** All of them, of each tag for itself. */
  *all(): Iterable<Mark> {
    for (const marks of this.#tags.values()) {
      for (const { condition, effect, stamp } of marks.values()) yield { condition, effect, stamp };
    }
  }
}

/** A mark of one tag. */
interface TagMark extends Mark {
  readonly condition: Condition;
  /** Whether a shown key is of what else it says. */
  readonly isMeant: (shown: string) => boolean;
}
