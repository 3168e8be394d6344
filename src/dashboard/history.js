import { numberAt } from './json.js';

/** What became of requests, as the figures name it, in the order they are stacked in: what the cache answered below. */
export const OUTCOMES = /** @type {const} */ ([
  'hits',
  'coalesced',
  'stale',
  'partial',
  'misses',
  'bypassed',
  'errors',
]);

/**
 * What happened between two looks at the figures.
 * @typedef {object} Point
 * @property {number} at  seconds since 1970
 * @property {number} seconds  how long it was
 * @property {Readonly<Record<typeof OUTCOMES[number], number>>} counts
 * @property {number | null} hitMs  the median of the time that hits took; null where there was none
 * @property {number | null} missMs
 */

/** The figures of the last minutes, made from totals that are looked at again and again. */
export class History {
  /** @type {Point[]} */
  #points = [];
  /** @type {{ at: number, totals: Readonly<Record<string, number>> } | undefined} */
  #before;
  /** @type {{ hit: number[], miss: number[] }} */
  #times = { hit: [], miss: [] };

  /** @returns {readonly Point[]} */
  get points() {
    return this.#points;
  }

  /**
   * Takes the time of one answered request in.
   * @param {string | undefined} outcome  the word of `x-cache`
   * @param {number | undefined} ms
   */
  answered(outcome, ms) {
    const times = outcome === 'HIT' ? this.#times.hit : outcome === 'MISS' ? this.#times.miss : undefined;
    if (times !== undefined && ms !== undefined && times.length < MOST_TIMES) times.push(ms);
  }

  /**
   * Takes in what `GET /monitoring/cache` said at `at`, in milliseconds.
   * @param {unknown} figures
   * @param {number} at
   * @param {boolean} live  whether every answered request was told too; else medians are those of the figures
   */
  look(figures, at, live) {
    const totals = Object.fromEntries(
      OUTCOMES.map((outcome) => [outcome, numberAt(figures, 'requests', outcome) ?? 0]),
    );
    const before = this.#before;
    if (before !== undefined && at - before.at < LEAST_MS) return;
    this.#before = { at, totals };
    const { hit, miss } = this.#times;
    this.#times = { hit: [], miss: [] };
    if (before === undefined || at - before.at > GAP_MS) return;
    const since = (/** @type {string} */ outcome) => (totals[outcome] ?? 0) - (before.totals[outcome] ?? 0);
    // A total that has become less is a server that was started again.
    if (OUTCOMES.some((outcome) => since(outcome) < 0)) return;
    const [hits, coalesced, stale, partial, misses, bypassed, errors] = OUTCOMES.map(since);
    const counts = {
      hits: hits ?? 0,
      coalesced: coalesced ?? 0,
      stale: stale ?? 0,
      partial: partial ?? 0,
      misses: misses ?? 0,
      bypassed: bypassed ?? 0,
      errors: errors ?? 0,
    };
    this.#points.push({
      at: at / 1_000,
      seconds: (at - before.at) / 1_000,
      counts,
      hitMs: live ? median(hit) : (numberAt(figures, 'latency_ms', 'hit', 'p50') ?? null),
      missMs: live ? median(miss) : (numberAt(figures, 'latency_ms', 'miss', 'p50') ?? null),
    });
    const oldest = at / 1_000 - KEPT_S;
    while ((this.#points[0]?.at ?? oldest) < oldest) this.#points.shift();
  }

  /**
   * For each point the share of cacheable requests that were answered without a call of their own, over the last half minute;
   * null where there were none.
   * @returns {(number | null)[]}
   */
  hitRates() {
    return this.#points.map((point, at) => {
      let served = 0;
      let all = 0;
      for (let back = at; back >= 0; back -= 1) {
        const past = this.#points[back];
        if (past === undefined || past.at < point.at - SMOOTHED_S) break;
        const { hits, coalesced, stale, partial, misses } = past.counts;
        served += hits + coalesced + stale;
        all += hits + coalesced + stale + partial + misses;
      }
      return all === 0 ? null : served / all;
    });
  }
}

const KEPT_S = 900;
const SMOOTHED_S = 30;
const LEAST_MS = 900;
/** After a longer time without a look there is a gap: what happened in it would look like one moment. */
const GAP_MS = 15_000;
const MOST_TIMES = 10_000;

/** @param {number[]} values */
function median(values) {
  if (values.length === 0) return null;
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? null;
}
