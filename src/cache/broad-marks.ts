import { announcementText } from './announcement.ts';
import { byKey } from './condition.ts';
import { ALIVE, type Mark, oldestOf, RANK_OF, type Rank, type Subject } from './mark.ts';

/** Marks of patterns, and of several conditions at once but for those of `TagMarks`: a subject is held against each newer one. */
export class BroadMarks {
  /** In the order in which they came; of several that say the same the latest. */
  #marks: readonly Broad[] = [];

  /** How many there are. */
  get size(): number {
    return this.#marks.length;
  }

  /** Takes a mark that came as the `version`-th of all marks. */
  add(mark: Mark, version: number): void {
    const text = announcementText(mark);
    const before = this.#marks.find((known) => known.text === text);
    if (before !== undefined && before.mark.stamp >= mark.stamp) return;
    const latest = Math.max(mark.stamp, this.#marks.at(-1)?.latest ?? 0);
    const others = before === undefined ? this.#marks : this.#marks.filter((known) => known !== before);
    this.#marks = [...others, { mark, text, version, latest, concerns: concerned(mark) }];
  }

  /** What those say of a subject that came after `version`. */
  rank(subject: Subject, version: number): Rank {
    let rank = ALIVE;
    const oldest = oldestOf(subject);
    for (let index = this.#marks.length - 1; index >= 0; index -= 1) {
      const broad = this.#marks[index];
      if (broad === undefined || broad.version <= version || broad.latest < oldest) break;
      const worst = RANK_OF[broad.mark.effect];
      if (worst > rank && broad.mark.stamp >= oldest && broad.concerns(subject)) rank = worst;
    }
    return rank;
  }

  /** Forgets those that are older than `stamp`. */
  forget(stamp: number): void {
    this.#marks = this.#marks.filter(({ mark }) => mark.stamp >= stamp);
  }

  /** All of them, in the order in which they came. */
  *all(): Iterable<Mark> {
    for (const { mark } of this.#marks) yield mark;
  }
}

/** A mark as it came. */
interface Broad {
  readonly mark: Mark;
  /** What it says, but for its stamp. */
  readonly text: string;
  readonly version: number;
  /** The latest stamp of this mark and of all that came before it. */
  readonly latest: number;
  readonly concerns: (subject: Subject) => boolean;
}

function concerned({ condition, stamp: until }: Mark): (subject: Subject) => boolean {
  if (condition === undefined) return (subject) => oldestOf(subject) <= until;
  const tagged = condition.tags && new Set(condition.tags);
  const isMeant = byKey(condition);
  return ({ key, stamp, tags }) => {
    const before =
      tagged === undefined ? stamp <= until : tags.some(([tag, at]) => at <= until && tagged.has(tag));
    return before && isMeant(key.shown);
  };
}
