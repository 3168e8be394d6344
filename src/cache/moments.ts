import { countWhile } from '../shared/count-while.ts';

/**
 * From which local stamp on which announcements have been applied here: what began at a stamp is known to have begun after the
 * announcements up to a number, whatever the clocks of others say.
 */
export class Moments {
  readonly #most: number;
  /** Stamps and numbers, both rising; and for each a stamp below those of all marks that have come since. */
  #stamps: number[] = [];
  #seqs: number[] = [];
  #befores: number[] = [];

  /** Remembers no more than so many; of older stamps nothing is known then. */
  constructor(most = 65_536) {
    this.#most = most;
  }

  /**
   * What has a greater stamp than this one began after everything up to `seq`; of what is counted here for the first time, nothing has
   * a stamp as low as `before`.
   */
  add(stamp: number, seq: number, before: number): void {
    this.#stamps.push(stamp);
    this.#seqs.push(seq);
    this.#befores.push(before);
    for (let at = this.#befores.length - 2; (this.#befores[at] ?? 0) > before; at -= 1)
      this.#befores[at] = before;
    if (this.#stamps.length <= this.#most) return;
    const from = this.#most >> 1;
    this.#stamps = this.#stamps.slice(from);
    this.#seqs = this.#seqs.slice(from);
    this.#befores = this.#befores.slice(from);
  }

  /** The greatest number that had been applied when this stamp was given; undefined for one that is too old. */
  at(stamp: number): number | undefined {
    return this.#seqs[countWhile(this.#stamps, (given) => given < stamp) - 1];
  }

  /** A stamp, at most `now`, below those of all marks with greater numbers; undefined where nobody knows any more. */
  before(seq: number, now: number): number | undefined {
    const known = countWhile(this.#seqs, (number) => number <= seq);
    if (known === 0) return undefined;
    return this.#befores[known] ?? now;
  }

  /** Forgets everything. */
  clear(): void {
    this.#stamps = [];
    this.#seqs = [];
    this.#befores = [];
  }
}
