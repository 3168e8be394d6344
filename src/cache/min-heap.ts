/**
 * A binary heap whose items know their place in it, so that any of them can be removed, or moved after its rank
 * changed, in logarithmic time.
 */
export class MinHeap<T> {
  readonly #items: T[] = [];
  readonly #rankOf: (item: T) => number;
  readonly #placeOf: (item: T) => number;
  readonly #setPlace: (item: T, place: number) => void;

  /** `rankOf` gives what items are ordered by; `placeOf` and `setPlace` read and write a number kept in the item. */
  constructor(
    rankOf: (item: T) => number,
    placeOf: (item: T) => number,
    setPlace: (item: T, place: number) => void,
  ) {
    this.#rankOf = rankOf;
    this.#placeOf = placeOf;
    this.#setPlace = setPlace;
  }

  /** The item of the lowest rank. */
  get first(): T | undefined {
    return this.#items[0];
  }

  /** Takes an item that is not in it. */
  add(item: T): void {
    this.#items.push(item);
    this.#rise(item, this.#items.length - 1);
  }

  /** Gives up an item that is in it. */
  remove(item: T): void {
    const place = this.#placeOf(item);
    const last = this.#items.pop();
    if (last === undefined || last === item) return;
    this.#sink(last, place);
    this.#rise(last, this.#placeOf(last));
  }

  /** Moves `item` to where it belongs after its rank grew. */
  sink(item: T): void {
    this.#sink(item, this.#placeOf(item));
  }

  #rise(item: T, from: number): void {
    const rank = this.#rankOf(item);
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = this.#items[above];
      if (parent === undefined || this.#rankOf(parent) <= rank) break;
      this.#lay(parent, place);
      place = above;
    }
    this.#lay(item, place);
  }

  #sink(item: T, from: number): void {
    const rank = this.#rankOf(item);
    let place = from;
    for (;;) {
      const below = this.#lesserChild(place);
      const child = below === undefined ? undefined : this.#items[below];
      if (below === undefined || child === undefined || this.#rankOf(child) >= rank) break;
      this.#lay(child, place);
      place = below;
    }
    this.#lay(item, place);
  }

  #lesserChild(place: number): number | undefined {
    const left = this.#items[2 * place + 1];
    const right = this.#items[2 * place + 2];
    if (left === undefined) return undefined;
    return right !== undefined && this.#rankOf(right) < this.#rankOf(left) ? 2 * place + 2 : 2 * place + 1;
  }

  #lay(item: T, place: number): void {
    this.#items[place] = item;
    this.#setPlace(item, place);
  }
}
