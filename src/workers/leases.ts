import { BriefMap } from '../shared/brief-map.ts';

/** Who fetches something, since when. */
export interface Taken<T> {
  /** Names it. */
  readonly number: number;
  readonly id: string;
  readonly owner: T;
  /** The last stamp before. */
  readonly since: number;
  /** Resolves when it is given back. */
  readonly over: Promise<void>;
}

/** Who fetches what, of several owners `T`. */
export class Leases<T> {
  /** Of what each id names the latest. */
  readonly #latest = new BriefMap<string, Taken<T>>();
  readonly #taken = new BriefMap<number, { readonly taken: Taken<T>; readonly end: () => void }>();
  /** What was fetched last, by id. */
  readonly #ended = new Set<string>();
  #numbers = 0;

  /** Who fetches it; of several the latest. */
  of(id: string): Taken<T> | undefined {
    return this.#latest.get(id);
  }

  /** Who has the lease of this number, until it is given back. */
  at(number: number): Taken<T> | undefined {
    return this.#taken.get(number)?.taken;
  }

  /** Whether it is among the last that were fetched. */
  hasEnded(id: string): boolean {
    return this.#ended.has(id);
  }

  /** Resolves when it is given back. */
  async over(number: number): Promise<void> {
    await this.#taken.get(number)?.taken.over;
  }

  /** `owner` fetches it from now on, and whoever asks is to wait for that. */
  take(id: string, owner: T, since: number): Taken<T> {
    this.#numbers += 1;
    const { promise: over, resolve: end } = Promise.withResolvers<void>();
    const taken = { number: this.#numbers, id, owner, since, over };
    this.#latest.set(id, taken);
    this.#taken.set(taken.number, { taken, end });
    return taken;
  }

  /** What was fetched is there, or will not be. */
  release(number: number): void {
    const released = this.#taken.get(number);
    if (released === undefined) return;
    const { taken, end } = released;
    this.#taken.delete(number);
    if (this.#latest.get(taken.id) === taken) this.#latest.delete(taken.id);
    this.#note(taken.id);
    end();
  }

  /** The owner is gone. */
  free(owner: T): void {
    for (const { taken } of this.#taken.values()) if (taken.owner === owner) this.release(taken.number);
  }

  #note(id: string): void {
    this.#ended.delete(id);
    this.#ended.add(id);
    const [oldest] = this.#ended;
    if (this.#ended.size > MOST_ENDED && oldest !== undefined) this.#ended.delete(oldest);
  }
}

/** More than can end while one thread looks and asks; what is forgotten too early may be fetched once more. */
const MOST_ENDED = 1_000;
