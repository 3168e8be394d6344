/**
 * A `Map` for values that come and go: of those that are gone it keeps nothing alive.
 *
 * V8's own does, until the next full collection. Where a `Map` has no room for another entry, deleted ones included, it moves to a new table;
 * the old one keeps what lay in it then, and points to the new one for the sake of iterators (`OrderedHashTable::Rehash`). Once the
 * `Map` is old, its last table is no garbage to the collector of the young generation, nor is any that came after it, nor what they
 * hold: a value that was gone within a millisecond is copied twice and promoted (measured: of the fetches under way, 17 KB a miss, and a fifth of
 * a miss's CPU). Here tables hold boxes, which are emptied.
 */
export class BriefMap<Key, Value> {
  readonly #boxes = new Map<Key, Box<Value>>();

  /** How many keys there are. */
  get size(): number {
    return this.#boxes.size;
  }

  /** The value of a key; undefined where there is none. */
  get(key: Key): Value | undefined {
    return this.#boxes.get(key)?.value;
  }

  /** Sets a key's value; one that had another keeps its place in the order. */
  set(key: Key, value: Value): void {
    const box = this.#boxes.get(key);
    if (box === undefined) this.#boxes.set(key, { value });
    else box.value = value;
  }

  /** Says whether there was something to delete. */
  delete(key: Key): boolean {
    const box = this.#boxes.get(key);
    if (box === undefined) return false;
    box.value = undefined;
    return this.#boxes.delete(key);
  }

  /** Deletes all. */
  clear(): void {
    for (const box of this.#boxes.values()) box.value = undefined;
    this.#boxes.clear();
  }

  /** In the order in which they came. */
  keys(): MapIterator<Key> {
    return this.#boxes.keys();
  }

  /** In the order in which the keys came. What is deleted meanwhile is passed over. */
  *values(): Generator<Value> {
    for (const { value } of this.#boxes.values()) if (value !== undefined) yield value;
  }

  /** Keys with their values, as {@link values}. */
  *[Symbol.iterator](): Generator<[Key, Value]> {
    for (const [key, { value }] of this.#boxes) if (value !== undefined) yield [key, value];
  }
}

interface Box<Value> {
  value: Value | undefined;
}
