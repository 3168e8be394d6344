import type { Entry } from '../../../src/cache/entry.ts';
import { listedOf, type Watch } from '../../../src/cache/listed.ts';
import { successor } from '../../../src/cache/succession.ts';
import type { Tier, TierFigures } from '../../../src/cache/tier.ts';
import type { Clock } from '../../../src/shared/clock.ts';
import { isOver } from '../../../src/shared/life.ts';

/** A disk in memory whose reads wait until a test lets them end: what they read is as old as their beginning. */
export class HeldTier implements Tier {
  readonly level = 'l2';
  readonly #clock: Clock;
  readonly #watch: Watch;
  readonly #entries: Map<string, Entry>;
  /** Those that are still to be written: of others it is not known what tags they have. */
  readonly #waiting = new Set<string>();
  /** How those end that wait. */
  readonly reads: (() => void)[] = [];

  /** Begins with what lies there. */
  constructor(entries: ReadonlyMap<string, Entry>, clock: Clock, watch: Watch) {
    this.#clock = clock;
    this.#watch = watch;
    this.#entries = new Map(entries);
    for (const entry of this.#entries.values()) watch.held(listedOf(entry));
  }

  /** Writes what waits; gives all it holds. */
  write(): ReadonlyMap<string, Entry> {
    this.#waiting.clear();
    return new Map(this.#entries);
  }

  get(id: string): Promise<Entry | undefined> {
    return this.#held(this.#peek(id));
  }

  getMany(ids: readonly string[]): Promise<ReadonlyMap<string, Entry>> {
    const found = ids.flatMap((id): [string, Entry][] => {
      const entry = this.#peek(id);
      return entry === undefined ? [] : [[id, entry]];
    });
    return this.#held(new Map(found));
  }

  stampOf(id: string): number {
    return this.#peek(id)?.stamp ?? 0;
  }

  set(given: Entry): void {
    const { id } = given.key;
    const held = this.#entries.get(id);
    const isKnown = this.#waiting.has(id) || held?.stamp !== given.stamp;
    const entry = isKnown ? successor(given, held) : given;
    this.#watch.held(listedOf(entry));
    this.#entries.set(id, entry);
    this.#waiting.add(id);
  }

  delete(id: string): void {
    this.#watch.dropped(id);
    this.#entries.delete(id);
  }

  touch(): void {}

  async sweep(): Promise<void> {
    for (const [id, entry] of this.#entries) if (isOver(entry, this.#clock.now())) this.delete(id);
  }

  figures(): TierFigures {
    const counts = { hits: 0, misses: 0, evictions: 0, expirations: 0, unexpired: 0, faults: 0 };
    return { entries: this.#entries.size, bytes: 0, maxBytes: 0, ...counts };
  }

  health() {
    return { state: 'ok' } as const;
  }

  async close(): Promise<void> {}

  #peek(id: string): Entry | undefined {
    const entry = this.#entries.get(id);
    return entry !== undefined && !isOver(entry, this.#clock.now()) ? entry : undefined;
  }

  #held<T>(value: T): Promise<T> {
    return new Promise((resolve) => this.reads.push(() => resolve(value)));
  }
}
