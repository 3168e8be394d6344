import { BriefMap } from '../shared/brief-map.ts';

/** The ids that were put or deleted during a read: what it reads of those is old. */
export class Changes extends Set<string> {
  /** Those of which another thread has put a newer version, or that it has deleted. */
  readonly elsewhere = new Set<string>();
}

/** The reads of lower tiers under way. */
export class Reads {
  /** By numbers. */
  readonly #under = new BriefMap<number, Changes>();
  #numbers = 0;

  /** Does `read`, and tells it which ids are changed meanwhile. */
  async during<T>(read: (changed: Changes) => Promise<T>): Promise<T> {
    const changed = new Changes();
    this.#numbers += 1;
    const number = this.#numbers;
    this.#under.set(number, changed);
    try {
      return await read(changed);
    } finally {
      this.#under.delete(number);
    }
  }

  /** An id is put or deleted, here or elsewhere. */
  change(id: string, where: 'here' | 'elsewhere'): void {
    for (const changed of this.#under.values()) {
      changed.add(id);
      if (where === 'elsewhere') changed.elsewhere.add(id);
      else changed.elsewhere.delete(id);
    }
  }
}
