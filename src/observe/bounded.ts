/**
 * Something for each name, for no more names than `most`: who comes later shares what is called `other`. Names come from outside, and
 * no caller must be able to fill memory, or a monitoring system, with them.
 */
export class Bounded<T> {
  readonly #items = new Map<string, T>();
  readonly #make: () => T;
  readonly #most: number;

  /** `make` gives what a new name begins with. */
  constructor(make: () => T, most = 200) {
    this.#make = make;
    this.#most = most;
  }

  /** What there is for `name`, of which the first 128 characters count. */
  of(name: string): T {
    return this.#items.get(name) ?? this.#begin(name);
  }

  /** What there is for `name`, if it has been counted by that name. */
  get(name: string): T | undefined {
    return this.#items.get(name);
  }

  /** All there is, by name, in the order in which the names came. */
  entries(): Iterable<readonly [name: string, item: T]> {
    return this.#items.entries();
  }

  #begin(said: string): T {
    const short = said.slice(0, LONGEST);
    const name = this.#items.size < this.#most || this.#items.has(short) ? short : OTHER;
    const item = this.#items.get(name) ?? this.#make();
    this.#items.set(name, item);
    return item;
  }
}

const LONGEST = 128;
const OTHER = 'other';
