/**
 * Places in the order of their last use, for counting how many were used since one was: a Fenwick tree over them. Places are numbers that
 * only rise; who holds them has to give out new ones from time to time.
 */
export class Recency {
  readonly #tree: Int32Array;
  #used = 0;

  /** For places from 1 to `most`. */
  constructor(most: number) {
    this.#tree = new Int32Array(most + 1);
  }

  /** Begins anew. */
  clear(): void {
    this.#tree.fill(0);
    this.#used = 0;
  }

  /** Marks a place as used. */
  mark(place: number): void {
    this.#add(place, 1);
  }

  /** Takes that back. */
  unmark(place: number): void {
    this.#add(place, -1);
  }

  /** How many marked places are above this one. */
  above(place: number): number {
    let below = 0;
    for (let at = place; at > 0; at &= at - 1) below += this.#tree[at] ?? 0;
    return this.#used - below;
  }

  #add(place: number, change: number): void {
    this.#used += change;
    for (let at = place; at < this.#tree.length; at += at & -at) {
      this.#tree[at] = (this.#tree[at] ?? 0) + change;
    }
  }
}
