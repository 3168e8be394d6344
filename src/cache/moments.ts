/**
 * From which local stamp on which announcements have been applied here: what began at a stamp is known to have begun after the
 * announcements up to a number, whatever the clocks of others say.
 */
export class Moments {
  readonly #most: number;
  /** Stamps and numbers, both rising. */
  #stamps: number[] = [];
  #seqs: number[] = [];

  /** Remembers no more than so many; of older stamps nothing is known then. */
  constructor(most = 65_536) {
    this.#most = most;
  }

  /** What has a greater stamp than this one began after everything up to `seq`. */
  add(stamp: number, seq: number): void {
    this.#stamps.push(stamp);
    this.#seqs.push(seq);
    if (this.#stamps.length <= this.#most) return;
    this.#stamps = this.#stamps.slice(this.#most >> 1);
    this.#seqs = this.#seqs.slice(this.#most >> 1);
  }

  /** The greatest number that had been applied when this stamp was given; undefined for one that is too old. */
  at(stamp: number): number | undefined {
    let low = 0;
    let high = this.#stamps.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#stamps[middle] ?? 0) < stamp) low = middle + 1;
      else high = middle;
    }
    return this.#seqs[low - 1];
  }

  /** Forgets everything. */
  clear(): void {
    this.#stamps = [];
    this.#seqs = [];
  }
}
