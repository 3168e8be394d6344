/** An announcement as the shared table has it: what it says, and its number there. */
export type Numbered = readonly [text: string, seq: number];

/** Twice of what the table holds: what is dropped here is part of "everything before" there. */
const MOST = 200_000;

/**
 * What one instance knows of the shared table: announcements with the numbers they have there. Should the table lose some, it gets
 * them again by this.
 */
export class Announced {
  /** In the order in which they came, which is that of their numbers but for what is read of the table again. */
  readonly #numbers = new Map<string, number>();
  readonly #most: number;

  constructor(most = MOST) {
    this.#most = most;
  }

  /** The table has this text under this number. */
  add(text: string, seq: number): void {
    if ((this.#numbers.get(text) ?? 0) > seq) return;
    this.#numbers.delete(text);
    this.#numbers.set(text, seq);
    if (this.#numbers.size > this.#most) this.#dropOlder();
  }

  /** The last number that a text has had, as far as is known here. */
  numberOf(text: string): number | undefined {
    return this.#numbers.get(text);
  }

  /** All, the last first. */
  all(): readonly Numbered[] {
    return [...this.#numbers].sort(([, one], [, other]) => other - one);
  }

  /** Forgets all: the table is another one. */
  clear(): void {
    this.#numbers.clear();
  }

  #dropOlder(): void {
    for (const [text] of this.all().slice(this.#most >> 1)) this.#numbers.delete(text);
  }
}
