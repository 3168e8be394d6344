import { announcementText } from './announcement.ts';
import type { Mark } from './mark.ts';

/**
 * Marks that are owed to somebody, in the order of their stamps. Of those that say the same only the last is: an invalidation that is
 * repeated while nobody can be told takes no more room.
 */
export class OwedMarks {
  readonly #marks = new Map<string, Mark>();

  /** All, in their order. */
  get all(): readonly Mark[] {
    return [...this.#marks.values()];
  }

  /** Adds marks that were made after those that are there. */
  add(marks: Iterable<Mark>): void {
    for (const mark of marks) {
      const text = announcementText(mark);
      this.#marks.delete(text);
      this.#marks.set(text, mark);
    }
  }

  /** Those up to this stamp are owed no more. */
  settle(stamp: number): void {
    for (const [text, mark] of this.#marks) {
      if (mark.stamp > stamp) break;
      this.#marks.delete(text);
    }
  }
}
