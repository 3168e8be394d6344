/** What there is to a histogram. */
export interface HistogramState {
  /** By buckets; undefined before the first value. */
  readonly counts: Uint32Array | undefined;
  readonly count: number;
  readonly sum: number;
  readonly max: number;
}

/**
 * How often which values came, in log-linear buckets (HdrHistogram's): exact below 128, and from there on 64 buckets for each
 * doubling, so that a percentile is within 0.8 % of the true one. Takes whole numbers from 0 to 2^32 - 1, in any unit.
 */
export class Histogram {
  #counts: Uint32Array | undefined;
  #count = 0;
  #sum = 0;
  #max = 0;

  /** One in the state of another one, which may be in another thread. */
  static of({ counts, count, sum, max }: HistogramState): Histogram {
    const histogram = new Histogram();
    histogram.#counts = counts;
    histogram.#count = count;
    histogram.#sum = sum;
    histogram.#max = max;
    return histogram;
  }

  /** What {@link of} goes on from. Its counts are this one’s own: they go on with it. */
  get state(): HistogramState {
    return { counts: this.#counts, count: this.#count, sum: this.#sum, max: this.#max };
  }

  /** How many values came. */
  get count(): number {
    return this.#count;
  }

  /** Their sum. */
  get sum(): number {
    return this.#sum;
  }

  /** The largest, exactly; 0 if none came. */
  get max(): number {
    return this.#max;
  }

  /** Takes a value in; a fraction is cut off, what is out of range counts as the nearest that is not. */
  record(value: number): void {
    const whole = value > 0 ? Math.min(Math.floor(value), MOST) : 0;
    this.#counts ??= new Uint32Array(BUCKETS);
    const bucket = bucketOf(whole);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#count += 1;
    this.#sum += whole;
    if (whole > this.#max) this.#max = whole;
  }

  /** Takes all of another one's values in. */
  add(other: Histogram): void {
    if (other.#counts === undefined) return;
    this.#counts ??= new Uint32Array(BUCKETS);
    for (const [bucket, count] of other.#counts.entries()) {
      if (count > 0) this.#counts[bucket] = (this.#counts[bucket] ?? 0) + count;
    }
    this.#count += other.#count;
    this.#sum += other.#sum;
    this.#max = Math.max(this.#max, other.#max);
  }

  /** The value that `share` (0 to 1) of all are not above; 0 if none came. */
  percentile(share: number): number {
    const rank = Math.max(1, Math.ceil(share * this.#count));
    if (rank >= this.#count) return this.#max;
    let seen = 0;
    for (const [bucket, count] of this.#counts?.entries() ?? []) {
      seen += count;
      if (seen >= rank) return Math.min(middleOf(bucket), this.#max);
    }
    return 0;
  }

  /** How many values are at or below `bound`, by whole buckets. */
  atMost(bound: number): number {
    let seen = 0;
    const last = bucketOf(Math.min(Math.max(0, Math.floor(bound)), MOST));
    for (const [bucket, count] of this.#counts?.entries() ?? []) {
      if (bucket > last) break;
      seen += count;
    }
    return seen;
  }
}

const MOST = 2 ** 32 - 1;
/** Values below this have buckets of their own. */
const EXACT = 128;
/** Buckets for each doubling. */
const STEPS = 64;
/** The exact ones, and those of the 25 doublings from 2^7 to 2^32. */
const BUCKETS = EXACT + 25 * STEPS;

function bucketOf(value: number): number {
  if (value < EXACT) return value;
  const doubling = 31 - Math.clz32(value);
  const step = (value >>> (doubling - 6)) - STEPS;
  return EXACT + (doubling - 7) * STEPS + step;
}

/** The value in the middle of a bucket. */
function middleOf(bucket: number): number {
  if (bucket < EXACT) return bucket;
  const width = 2 ** (Math.floor((bucket - EXACT) / STEPS) + 1);
  const step = (bucket - EXACT) % STEPS;
  return (STEPS + step) * width + (width - 1) / 2;
}
