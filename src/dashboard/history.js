import { latencyAt, numberAt } from './json.js';

/** What became of requests, as the figures name it, in the order they are stacked in: what the cache answered below. */
export const OUTCOMES = /** @type {const} */ ([
  'hits',
  'coalesced',
  'stale',
  'partial',
  'misses',
  'refreshed',
  'bypassed',
  'relayed',
  'errors',
]);

/**
 * A look at the figures.
 * @typedef {object} Point
 * @property {number} at  seconds since 1970
 * @property {ReadonlyMap<string, number>} rates  of each outcome, per second since the look before
 * @property {number | null} hitRate  of the last minute; null where the cache was not asked in it
 * @property {number | null} hitMs  what half of the hits of the last minute took at most
 * @property {number | null} missMs
 */

/** The figures of the last minutes, made from what is told again and again. */
export class History {
  /** @type {Point[]} */
  #points = [];
  /** @type {{ at: number, totals: ReadonlyMap<string, number> } | undefined} */
  #before;

  /** @returns {readonly Point[]} */
  get points() {
    return this.#points;
  }

  /**
   * Takes in what `GET /monitoring/cache` said at `at`, in milliseconds.
   * @param {unknown} figures
   * @param {number} at
   */
  look(figures, at) {
    const before = this.#before;
    if (before !== undefined && at - before.at < LEAST_MS) return;
    const totals = new Map(OUTCOMES.map((outcome) => [outcome, numberAt(figures, 'requests', outcome) ?? 0]));
    this.#before = { at, totals };
    if (before === undefined || at - before.at > GAP_MS) return;
    const seconds = (at - before.at) / 1_000;
    const rates = new Map(
      [...totals].map(([outcome, total]) => [outcome, (total - (before.totals.get(outcome) ?? 0)) / seconds]),
    );
    // A total that has become less is a server that was started again.
    if ([...rates.values()].some((rate) => rate < 0)) return;
    this.#points.push({
      at: at / 1_000,
      rates,
      hitRate: hitRateIn(figures),
      hitMs: latencyAt(figures, 'windows', '1m', 'latency_ms', 'hit', 'p50') ?? null,
      missMs: latencyAt(figures, 'windows', '1m', 'latency_ms', 'miss', 'p50') ?? null,
    });
    const oldest = at / 1_000 - KEPT_S;
    while ((this.#points[0]?.at ?? oldest) < oldest) this.#points.shift();
  }
}

const KEPT_S = 900;
const LEAST_MS = 900;
/** After a longer time without a look there is a gap: what happened in it would look like one moment. */
const GAP_MS = 15_000;

/** Outcomes of requests for which the cache was asked. */
const LOOKED_UP = ['hits', 'coalesced', 'stale', 'partial', 'misses'];

/** @param {unknown} figures */
function hitRateIn(figures) {
  const asked = LOOKED_UP.some(
    (outcome) => (numberAt(figures, 'windows', '1m', 'requests', outcome) ?? 0) > 0,
  );
  return asked ? (numberAt(figures, 'windows', '1m', 'hit_rate') ?? null) : null;
}
