import { setImmediate as turn } from 'node:timers/promises';
import type { Entry } from '../../src/cache/entry.ts';
import type { Level, Tier, TierFigures, TierHealth } from '../../src/cache/tier.ts';
import { seededRandom } from '../../src/demo/random.ts';

/** How often, from 0 to 1, each fault strikes. What is left out never does. */
export interface Faults {
  /** A read finds nothing. */
  readonly miss?: number;
  /** A read answers some turns of the event loop later. */
  readonly delay?: number;
  /** A write is lost, as when a queue overflows; what was stored under the id before is lost with it. */
  readonly drop?: number;
  /** A call throws or rejects, which no tier may do: what is above must bear it all the same. */
  readonly raise?: number;
}

/** A tier that fails now and then, repeatably for one seed. */
export class ChaosTier implements Tier {
  readonly level: Level;
  readonly #inner: Tier;
  readonly #random: () => number;
  /** Change it at any time to let faults begin or end. */
  faults: Faults;

  constructor(inner: Tier, seed: number, faults: Faults) {
    this.level = inner.level;
    this.#inner = inner;
    this.#random = seededRandom(seed);
    this.faults = faults;
  }

  get(id: string): Entry | undefined | Promise<Entry | undefined> {
    this.#maybeRaise();
    if (this.#strikes(this.faults.miss)) return undefined;
    const found = this.#inner.get(id);
    return this.#strikes(this.faults.delay) ? this.#later(found) : found;
  }

  async getMany(ids: readonly string[]): Promise<ReadonlyMap<string, Entry>> {
    this.#maybeRaise();
    const found = await this.#later(this.#inner.getMany(ids));
    return new Map([...found].filter(() => !this.#strikes(this.faults.miss)));
  }

  stampOf(id: string): number {
    this.#maybeRaise();
    return this.#inner.stampOf?.(id) ?? 0;
  }

  set(entry: Entry): void {
    this.#maybeRaise();
    if (this.#strikes(this.faults.drop)) this.#inner.delete(entry.key.id);
    else this.#inner.set(entry);
  }

  delete(id: string): void {
    // A deletion is never lost, or what was deleted would come back.
    this.#inner.delete(id);
    this.#maybeRaise();
  }

  touch(id: string): void {
    this.#maybeRaise();
    this.#inner.touch(id);
  }

  async sweep(): Promise<void> {
    this.#maybeRaise();
    return this.#inner.sweep();
  }

  figures(): TierFigures {
    return this.#inner.figures();
  }

  health(): TierHealth {
    return this.#inner.health();
  }

  async close(): Promise<void> {
    this.#maybeRaise();
    return this.#inner.close();
  }

  async #later<T>(value: T | Promise<T>): Promise<T> {
    const found = await value;
    for (let turns = Math.floor(this.#random() * 4); turns >= 0; turns--) await turn();
    return found;
  }

  #maybeRaise(): void {
    if (this.#strikes(this.faults.raise)) throw new Error('chaos');
  }

  #strikes(probability = 0): boolean {
    return probability > 0 && this.#random() < probability;
  }
}
