import { Chart } from './chart.js';
import { byId } from './dom.js';
import { duration, percent, perSecond } from './format.js';
import { History, OUTCOMES } from './history.js';
import { latencyAt } from './json.js';
import { table } from './table.js';

/** What happened over time. */
export class Traffic {
  #hitRate = new Chart(byId('chart-hit-rate', HTMLElement), {
    series: [{ label: 'Hit rate', colour: 'accent' }],
    range: [0, 1],
    format: (value) => percent(value ?? undefined),
  });
  #outcomes = new Chart(byId('chart-outcomes', HTMLElement), {
    series: OUTCOMES.map((outcome) => ({ label: LABELS[outcome], colour: COLOURS[outcome] })),
    stacked: true,
    format: perSecond,
  });
  #latency = new Chart(byId('chart-latency', HTMLElement), {
    series: [
      { label: 'Hit', colour: 'hit' },
      { label: 'Miss', colour: 'miss' },
    ],
    logarithmic: true,
    format: duration,
  });
  #percentiles = table(
    byId('percentiles', HTMLElement),
    'Latency in percentiles',
    [['Time of'], ['p50', 'number'], ['p95', 'number'], ['p99', 'number'], ['max', 'number']],
    'No figures yet.',
  );

  #history = new History();
  #ranges = byId('ranges', HTMLFormElement);

  /** @param {() => void} onRange  another time is to be shown, of which the server may have more to tell */
  constructor(onRange) {
    this.#ranges.addEventListener('change', () => {
      this.#draw();
      onRange();
    });
  }

  /** How many minutes are shown. @returns {number} */
  get minutes() {
    return Number(new FormData(this.#ranges).get('minutes'));
  }

  /** @param {unknown} series  what `GET /monitoring/cache/series` says */
  showSeries(series) {
    this.#history.tell(series);
    this.#draw();
  }

  /** @param {unknown} figures  what `GET /monitoring/cache` says */
  show(figures) {
    this.#history.look(figures, Date.now());
    this.#draw();
    this.#percentiles(
      ['hit', 'miss', 'upstream'].map((kind) => ({
        key: kind,
        cells: [
          kind === 'upstream' ? 'Upstream' : kind === 'hit' ? 'Hit' : 'Miss',
          ...['p50', 'p95', 'p99', 'max'].map((name) =>
            duration(latencyAt(figures, 'latency_ms', kind, name)),
          ),
        ],
      })),
    );
  }

  #draw() {
    const points = this.#history.points(this.minutes, Date.now());
    const times = points.map(({ at }) => at);
    this.#hitRate.show(times, [points.map(({ hitRate }) => hitRate)]);
    this.#outcomes.show(
      times,
      OUTCOMES.map((outcome) => points.map(({ rates }) => rates.get(outcome) ?? 0)),
    );
    this.#latency.show(times, [points.map(({ hitMs }) => hitMs), points.map(({ missMs }) => missMs)]);
  }

  /** The colours have become others. */
  recolour() {
    for (const chart of [this.#hitRate, this.#outcomes, this.#latency]) chart.recolour();
  }
}

const LABELS = {
  hits: 'Hits',
  coalesced: 'Coalesced',
  stale: 'Stale',
  partial: 'Partial',
  misses: 'Misses',
  refreshed: 'Refreshed',
  bypassed: 'Bypassed',
  relayed: 'Passed through',
  errors: 'Errors',
};

const COLOURS = {
  hits: 'hit',
  coalesced: 'coalesced',
  stale: 'stale',
  partial: 'partial',
  misses: 'miss',
  refreshed: 'refresh',
  bypassed: 'bypass',
  relayed: 'relay',
  errors: 'error',
};
