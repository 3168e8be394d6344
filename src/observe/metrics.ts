import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Histogram as Durations } from '../shared/histogram.ts';
import { COUNTERS, DURATION_FAMILIES, type Family, GAUGES, type Sample } from './metric-families.ts';
import type { Monitor } from './monitor.ts';

/**
 * The figures as Prometheus reads them. Nothing is counted here: what there is is put together at each scrape.
 */
export class Metrics {
  readonly #metrics = new Registry();
  #watchesProcess = false;

  constructor(monitor: Monitor) {
    const registers = [this.#metrics];
    for (const { name, help, labels, read } of COUNTERS) {
      new Counter({
        name,
        help,
        labelNames: [...labels],
        registers,
        collect() {
          this.reset();
          for (const [value, ...said] of read(monitor)) this.inc(labelled(labels, said), value);
        },
      });
    }
    for (const { name, help, labels, read } of GAUGES) {
      new Gauge({
        name,
        help,
        labelNames: [...labels],
        registers,
        collect() {
          this.reset();
          // What has no value is absent, and not 0.
          if (labels.length === 0) this.remove();
          for (const [value, ...said] of read(monitor)) this.set(labelled(labels, said), value);
        },
      });
    }
    for (const family of DURATION_FAMILIES) new CountedBefore(family, monitor, registers);
  }

  /** What a scrape answers, and its content type. */
  async scrape(): Promise<{ readonly text: string; readonly type: string }> {
    // Those of the process, by the names that all Node programs have: they cost something from the first scrape on only.
    if (!this.#watchesProcess) collectDefaultMetrics({ register: this.#metrics });
    this.#watchesProcess = true;
    return { text: await this.#metrics.metrics(), type: this.#metrics.contentType };
  }
}

/** Bounds of buckets, in seconds: a hit takes less than a millisecond, a model's answer up to minutes. */
const BOUNDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];
const PER_SECOND = 1_000_000;

/** A histogram whose values were counted elsewhere. */
class CountedBefore extends Histogram {
  readonly #family: Family<Durations>;
  readonly #monitor: Monitor;

  constructor(family: Family<Durations>, monitor: Monitor, registers: Registry[]) {
    const { name, help, labels } = family;
    super({ name, help, labelNames: [...labels], buckets: BOUNDS, registers });
    this.#family = family;
    this.#monitor = monitor;
  }

  /** What a registry reads a histogram by; prom-client's types do not have it. */
  async getForPromString() {
    const { name, help, read } = this.#family;
    const values = [...read(this.#monitor)].flatMap((sample) => this.#series(sample));
    return { name, help, type: 'histogram', values };
  }

  #series([durations, ...said]: Sample<Durations>) {
    const { name, labels } = this.#family;
    const own = labelled(labels, said);
    const value = (suffix: string, count: number, more: Readonly<Record<string, string>> = {}) => {
      return { metricName: `${name}_${suffix}`, value: count, labels: { ...own, ...more } };
    };
    return [
      ...BOUNDS.map((bound) => value('bucket', durations.atMost(bound * PER_SECOND), { le: String(bound) })),
      value('bucket', durations.count, { le: '+Inf' }),
      value('sum', durations.sum / PER_SECOND),
      value('count', durations.count),
    ];
  }
}

function labelled(names: readonly string[], said: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name, at) => [name, said[at] ?? '']));
}
