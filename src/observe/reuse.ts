import type { Key } from '../cache/entry.ts';
import { Recency } from './recency.ts';
import { HASHES, hashOf } from './sampling.ts';

/** A key that is followed. */
interface Sample {
  /** The later it was used last, the greater. */
  place: number;
  /** How often it was asked for. */
  asked: number;
  readonly type: string;
}

/**
 * What hit rate a cache of any size would have, were there no ttl: from how many other keys are asked for between one use of a key and the next.
 * Keys are sampled by their hash, so that of a sampled key every use is seen, and no more than so many are followed, however many there are
 * (SHARDS with a fixed size, Waldspurger et al., FAST 2015).
 */
export class Reuse {
  readonly #samples = new Map<string, Sample>();
  readonly #most: number;
  readonly #recency: Recency;
  readonly #places: number;
  #nextPlace = 1;
  /** Keys with a hash below this are followed. */
  #threshold = HASHES;
  /** How many uses came after so many others, by {@link stepOf}; in uses of sampled keys at the present rate. */
  readonly #distances = new Float64Array(STEPS);
  #seen = 0;
  /** How many uses of sampled keys were to be expected. */
  #expected = 0;

  constructor(most = 8_192) {
    this.#most = most;
    this.#places = 4 * most;
    this.#recency = new Recency(this.#places);
  }

  /** A key was asked for. */
  note({ id, type }: Pick<Key, 'id' | 'type'>): void {
    const rate = this.#threshold / HASHES;
    this.#expected += rate;
    if (hashOf(id) >= this.#threshold) return;
    this.#seen += 1;
    if (this.#nextPlace > this.#places) this.#renumber();
    const known = this.#samples.get(id);
    if (known !== undefined) {
      const step = stepOf(this.#recency.above(known.place) / rate);
      this.#distances[step] = (this.#distances[step] ?? 0) + 1;
      this.#recency.unmark(known.place);
      known.asked += 1;
      this.#place(known);
      return;
    }
    const sample = { place: 0, asked: 1, type };
    this.#samples.set(id, sample);
    this.#place(sample);
    if (this.#samples.size > this.#most) this.#thin();
  }

  /** How many uses of sampled keys the figures rest on. */
  get seen(): number {
    return this.#seen;
  }

  /** The hit rate of a cache that holds `entries` keys and drops the least recently used; infinite for one that drops nothing. */
  hitRate(entries: number): number {
    let hits = 0;
    for (const [step, count] of this.#distances.entries()) hits += count * covered(step, entries);
    // What the sample has too few of, or too many, are mostly uses of the very popular: SHARDS_adj.
    const adjusted = hits + (entries > 0 ? this.#expected - this.#seen : 0);
    return this.#expected === 0 ? 0 : Math.min(1, Math.max(0, adjusted / this.#expected));
  }

  /** Of each type the keys that are followed, and those of them that were asked for once. */
  onceAsked(): ReadonlyMap<string, { readonly keys: number; readonly once: number }> {
    const types = new Map<string, { keys: number; once: number }>();
    for (const { type, asked } of this.#samples.values()) {
      const counted = types.get(type) ?? { keys: 0, once: 0 };
      counted.keys += 1;
      if (asked === 1) counted.once += 1;
      types.set(type, counted);
    }
    return types;
  }

  #place(sample: Sample): void {
    sample.place = this.#nextPlace;
    this.#nextPlace += 1;
    this.#recency.mark(sample.place);
  }

  #renumber(): void {
    this.#recency.clear();
    this.#nextPlace = 1;
    const inOrder = [...this.#samples.values()].sort((one, other) => one.place - other.place);
    for (const sample of inOrder) this.#place(sample);
  }

  /** Follows half as many keys from now on; what was counted so far weighs as much as it would have at that rate. */
  #thin(): void {
    this.#threshold = Math.floor(this.#threshold / 2);
    for (const id of this.#samples.keys()) if (hashOf(id) >= this.#threshold) this.#samples.delete(id);
    this.#renumber();
    for (const [step, count] of this.#distances.entries()) this.#distances[step] = count / 2;
    this.#seen /= 2;
    this.#expected /= 2;
  }
}

/** Steps of distances for each doubling. */
const FINENESS = 16;
/** Up to 2^31 keys. */
const STEPS = 31 * FINENESS + 2;

/** The step of a distance: 0 for none, then {@link FINENESS} for each doubling. */
function stepOf(distance: number): number {
  return distance < 1 ? 0 : Math.min(STEPS - 1, 1 + Math.floor(Math.log2(distance) * FINENESS));
}

/** Which share of the distances of a step are below `entries`. */
function covered(step: number, entries: number): number {
  if (step === 0) return entries >= 1 ? 1 : 0;
  const from = 2 ** ((step - 1) / FINENESS);
  const to = 2 ** (step / FINENESS);
  return Math.min(1, Math.max(0, (entries - from) / (to - from)));
}
