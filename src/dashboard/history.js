import { latencyAt, listAt, numberAt, textAt } from './json.js';

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
 * A moment of the lines over time.
 * @typedef {object} Point
 * @property {number} at  seconds since 1970
 * @property {ReadonlyMap<string, number>} rates  of each outcome, per second since the point before
 * @property {number | null} hitRate  of the minute before; null where the cache was not asked in it
 * @property {number | null} hitMs  what half of the hits of the minute before took at most
 * @property {number | null} missMs
 */

/** Up to so many minutes the page's own looks are shown, too; beyond, they would be closer than a line is wide. */
const LIVE_MINUTES = 15;

/** What happened over time: minute by minute as the server tells it, and of late at each look at its figures. */
export class History {
  /** @type {Point[]} */
  #live = [];
  /** @type {readonly Point[]} */
  #minutes = [];
  /** @type {{ at: number, totals: ReadonlyMap<string, number> } | undefined} */
  #before;

  /**
   * The points of the last `minutes` before `now`, in milliseconds.
   * @param {number} minutes
   * @param {number} now
   * @returns {readonly Point[]}
   */
  points(minutes, now) {
    const from = now / 1_000 - minutes * 60;
    const live = minutes <= LIVE_MINUTES ? this.#live : [];
    const first = live[0]?.at ?? Number.POSITIVE_INFINITY;
    const points = [...this.#minutes.filter(({ at }) => at < first), ...live].filter(({ at }) => at >= from);
    return minutes <= LIVE_MINUTES ? points : folded(points);
  }

  /** Takes in what `GET /monitoring/cache/series` said. @param {unknown} series */
  tell(series) {
    const seconds = numberAt(series, 'step_s') ?? 60;
    this.#minutes = listAt(series, 'points').flatMap((point) => {
      const at = Date.parse(textAt(point, 'at') ?? '') / 1_000;
      if (Number.isNaN(at)) return [];
      return {
        at,
        rates: new Map(
          OUTCOMES.map((outcome) => [outcome, (numberAt(point, 'requests', outcome) ?? 0) / seconds]),
        ),
        hitRate: numberAt(point, 'hit_rate') ?? null,
        hitMs: numberAt(point, 'latency_ms', 'hit', 'p50') ?? null,
        missMs: numberAt(point, 'latency_ms', 'miss', 'p50') ?? null,
      };
    });
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
    // What happened in a long time without a look would seem to be of one moment: the minutes tell it better.
    if (before === undefined || at - before.at > GAP_MS) {
      this.#live = [];
      return;
    }
    const seconds = (at - before.at) / 1_000;
    const rates = new Map(
      [...totals].map(([outcome, total]) => [outcome, (total - (before.totals.get(outcome) ?? 0)) / seconds]),
    );
    // A total that has become less is a server that was started again.
    if ([...rates.values()].some((rate) => rate < 0)) return;
    this.#live.push({
      at: at / 1_000,
      rates,
      hitRate: hitRateIn(figures),
      hitMs: latencyAt(figures, 'windows', '1m', 'latency_ms', 'hit', 'p50') ?? null,
      missMs: latencyAt(figures, 'windows', '1m', 'latency_ms', 'miss', 'p50') ?? null,
    });
    const oldest = at / 1_000 - LIVE_MINUTES * 60;
    while ((this.#live[0]?.at ?? oldest) < oldest) this.#live.shift();
  }
}

/** As many points as a chart can show; of more, those next to each other are made one. @param {readonly Point[]} points */
function folded(points) {
  const each = Math.ceil(points.length / MOST_POINTS);
  if (each <= 1) return points;
  return Array.from({ length: Math.ceil(points.length / each) }, (_, at) =>
    foldedOne(points.slice(at * each, (at + 1) * each)),
  );
}

const MOST_POINTS = 240;

/** @param {readonly Point[]} points @returns {Point} */
function foldedOne(points) {
  const asked = (/** @type {Point} */ { rates }) =>
    LOOKED_UP.reduce((sum, outcome) => sum + (rates.get(outcome) ?? 0), 0);
  return {
    at: points.at(-1)?.at ?? 0,
    rates: new Map(
      OUTCOMES.map((outcome) => [outcome, mean(points.map(({ rates }) => rates.get(outcome) ?? 0)) ?? 0]),
    ),
    hitRate: mean(
      points.map(({ hitRate }) => hitRate),
      points.map(asked),
    ),
    hitMs: mean(points.map(({ hitMs }) => hitMs)),
    missMs: mean(points.map(({ missMs }) => missMs)),
  };
}

/**
 * The mean of the values that are there, each with its weight.
 * @param {readonly (number | null)[]} values
 * @param {readonly number[]} weights
 */
function mean(values, weights = values.map(() => 1)) {
  const [sum, weight] = values.reduce(
    ([sum, all], value, at) =>
      value === null ? [sum, all] : [sum + value * (weights[at] ?? 0), all + (weights[at] ?? 0)],
    [0, 0],
  );
  return weight === 0 ? null : sum / weight;
}

const LEAST_MS = 900;
const GAP_MS = 15_000;

/** Outcomes of requests for which the cache was asked. */
export const LOOKED_UP = ['hits', 'coalesced', 'stale', 'partial', 'misses'];

/** @param {unknown} figures */
function hitRateIn(figures) {
  const asked = LOOKED_UP.some(
    (outcome) => (numberAt(figures, 'windows', '1m', 'requests', outcome) ?? 0) > 0,
  );
  return asked ? (numberAt(figures, 'windows', '1m', 'hit_rate') ?? null) : null;
}
