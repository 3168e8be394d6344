/** A key, and how often it was asked for at least. */
export interface HotKey {
  readonly key: string;
  readonly requests: number;
}

/**
 * The keys asked for most, of any number of keys, in a table of bounded size (Misra and Gries, 1982): what is asked for in more than one
 * of `most` requests is in it, and counted at most that share too low.
 */
export class HotKeys {
  readonly #counts = new Map<string, number>();
  readonly #most: number;
  #requests = 0;

  constructor(most = 512) {
    this.#most = most;
  }

  /** How many requests there were. */
  get requests(): number {
    return this.#requests;
  }

  /** A key was asked for. */
  note(key: string): void {
    this.#requests += 1;
    const count = this.#counts.get(key);
    if (count !== undefined) this.#counts.set(key, count + 1);
    else if (this.#counts.size < this.#most) this.#counts.set(key, 1);
    else this.#lower();
  }

  /** The hottest, at most `limit`, the hottest first. */
  top(limit: number): readonly HotKey[] {
    return [...this.#counts]
      .sort(([, one], [, other]) => other - one)
      .slice(0, limit)
      .map(([key, requests]) => ({ key, requests }));
  }

  #lower(): void {
    for (const [key, count] of this.#counts) {
      if (count === 1) this.#counts.delete(key);
      else this.#counts.set(key, count - 1);
    }
  }
}
