import { element } from './dom.js';
import uPlot from './uplot.js';

/**
 * A line or a layer of a chart.
 * @typedef {object} Series
 * @property {string} label
 * @property {string} colour  a colour's name in the style sheet: `hit` is `--hit`
 */

/**
 * @typedef {object} ChartOptions
 * @property {readonly Series[]} series
 * @property {boolean} [stacked]  each layer stands on the one before
 * @property {boolean} [logarithmic]
 * @property {readonly [number, number]} [range]  of the values; from the data if absent
 * @property {(value: number | null | undefined) => string} format
 */

/** A chart over time, with a legend that tells the values below the pointer, or else the latest ones. */
export class Chart {
  #options;
  #host;
  #plot;
  /** @type {{ item: HTMLElement, value: HTMLElement }[]} */
  #legend = [];
  /** @type {{ times: readonly number[], values: readonly (readonly (number | null)[])[] }} */
  #shown = { times: [], values: [] };

  /**
   * @param {HTMLElement} host
   * @param {ChartOptions} options
   */
  constructor(host, options) {
    this.#options = options;
    this.#host = element('div', { class: 'plot', 'aria-hidden': 'true', 'data-empty': '' });
    const legend = options.series.map(({ label, colour }) => {
      const value = element('span', { class: 'value' }, '–');
      const item = element('li', {}, element('span', { class: `swatch ${colour}` }), label, value);
      this.#legend.push({ item, value });
      return item;
    });
    host.append(this.#host, element('ul', { class: 'legend' }, ...legend));
    this.#plot = this.#make();
    new ResizeObserver(() => this.#plot.setSize(this.#size())).observe(this.#host);
  }

  /**
   * Shows other data: `values` has for each series one for each time, in seconds since 1970.
   * @param {readonly number[]} times
   * @param {readonly (readonly (number | null)[])[]} values
   */
  show(times, values) {
    this.#shown = { times, values };
    this.#host.toggleAttribute('data-empty', !values.some((line) => line.some((value) => value !== null)));
    this.#plot.setData(this.#data());
    for (const [at, { item }] of this.#legend.entries()) item.hidden = !this.#isNamed(at);
    this.#tell(undefined);
  }

  /** Whether the legend names a series: a layer only where there is something of it. @param {number} at */
  #isNamed(at) {
    return this.#options.stacked !== true || (this.#shown.values[at] ?? []).some((value) => value !== 0);
  }

  /** Takes the colours anew: it paints, and so does not follow the style sheet. */
  recolour() {
    this.#plot.destroy();
    this.#plot = this.#make();
  }

  #make() {
    const { series, stacked, logarithmic, range, format } = this.#options;
    const [text, grid] = [this.#colour('muted'), this.#colour('border')];
    const axis = { stroke: text, font: FONT, grid: { stroke: grid, width: 1 }, ticks: { show: false } };
    /** @type {uPlot.Options} */
    const options = {
      ...this.#size(),
      padding: [8, 28, 0, 0],
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, y: false, points: { size: 6 } },
      scales: {
        // Of the first moments too little is known to fill the width.
        x: { range: (_plot, first, last) => [Math.min(first, last - LEAST_SPAN), last] },
        y: logarithmic
          ? { distr: 3, log: 10 }
          : {
              range: range === undefined ? (_plot, _low, high) => [0, high > 0 ? high * 1.1 : 1] : [...range],
            },
      },
      axes: [
        { ...axis, grid: { show: false }, size: 28, space: 80, values: labels },
        {
          ...axis,
          ...(logarithmic && { grid: { ...axis.grid, filter: decades } }),
          size: 56,
          space: 32,
          values: (_plot, values) => values.map((value) => (value === null ? '' : format(value))),
        },
      ],
      series: [
        {},
        ...series.map(({ colour }) => {
          const paint = this.#colour(colour);
          return {
            stroke: paint,
            // The line of a layer without height would be drawn upon the one below.
            width: stacked ? 0 : 2,
            points: { show: false },
            // A moment without a hit is no news.
            spanGaps: true,
            ...(stacked && { fill: translucent(paint, 0.8) }),
            ...(series.length === 1 && { fill: translucent(paint, 0.12) }),
          };
        }),
      ],
      ...(stacked && { bands: series.slice(1).map((_, at) => ({ series: [at + 2, at + 1] })) }),
      hooks: { setCursor: [(plot) => this.#tell(plot.cursor.idx ?? undefined)] },
    };
    return new uPlot(options, this.#data(), this.#host);
  }

  /** @returns {uPlot.AlignedData} */
  #data() {
    const { times, values } = this.#shown;
    if (!this.#options.stacked) {
      return [[...times], ...this.#options.series.map((_, at) => [...(values[at] ?? [])])];
    }
    const sums = times.map(() => 0);
    const layers = values.map((layer) =>
      layer.map((value, at) => {
        const sum = (sums[at] ?? 0) + (value ?? 0);
        sums[at] = sum;
        return sum;
      }),
    );
    return [[...times], ...this.#options.series.map((_, at) => layers[at] ?? [])];
  }

  /** @param {number | undefined} index  undefined for the latest values */
  #tell(index) {
    for (const [at, { value }] of this.#legend.entries()) {
      value.textContent = this.#options.format(this.#shown.values[at]?.at(index ?? -1));
    }
  }

  #size() {
    return { width: Math.max(200, this.#host.clientWidth), height: HEIGHT };
  }

  /** A colour of the style sheet as a canvas takes it. @param {string} name */
  #colour(name) {
    const probe = element('span');
    probe.style.color = `var(--${name})`;
    this.#host.append(probe);
    const { color } = getComputedStyle(probe);
    probe.remove();
    return color;
  }
}

const HEIGHT = 180;
/** Seconds that are shown at least. */
const LEAST_SPAN = 60;
const FONT = '12px system-ui, sans-serif';
const clock = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' });
const exact = new Intl.DateTimeFormat(undefined, { minute: '2-digit', second: '2-digit' });

/** Of a logarithmic scale only the powers of ten. @param {uPlot} _plot @param {number[]} values */
const decades = (_plot, values) =>
  values.map((value) => (Number.isInteger(Math.log10(value)) ? value : null));

/** Of times, the minutes; where they are closer than that, minutes and seconds. @param {uPlot} _plot @param {number[]} times */
const labels = (_plot, times) => {
  const [first = 0, second = first + 60] = times;
  const format = second - first < 60 ? exact : clock;
  return times.map((seconds) => format.format(seconds * 1_000));
};

/** @param {string} colour  `rgb(…)` @param {number} alpha */
const translucent = (colour, alpha) => colour.replace(/^rgb\((.*)\)$/, `rgba($1, ${alpha})`);
