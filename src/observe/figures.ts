import { Bounded } from './bounded.ts';
import { Counts, countOf } from './counts.ts';
import type { Answered, Event, Usage } from './events.ts';
import { Pace } from './pace.ts';
import type { Prices } from './prices.ts';
import { Savings } from './savings.ts';
import type { Tally } from './tally.ts';
import { type Window, Windows } from './windows.ts';

/** What is counted for one name: a type, a model, a namespace, a route. */
export class Line {
  readonly counts = new Counts();
  readonly saved = new Savings();

  /** Adds what was counted for another name. */
  add(other: Line): void {
    this.counts.add(other.counts);
    this.saved.add(other.saved);
  }
}

/** What invalidations and webhook deliveries came to. */
export interface InvalidationFigures {
  /** Without dry runs. */
  invalidations: number;
  byTag: number;
  /** Those that meant no entry. */
  empty: number;
  /** Entries that were meant. */
  entries: number;
}

/** What went on upstream, for one upstream. */
export class UpstreamLine {
  calls = 0;
  failures = 0;
  /** Answers with 429. */
  limited = 0;
}

/**
 * Counts what happens. To count one answer costs well under a microsecond (measured): everything else, percentiles, windows, money by
 * model, is computed when somebody asks.
 */
export class Figures {
  readonly types = new Bounded(() => new Line());
  readonly models = new Bounded(() => new Line());
  readonly namespaces = new Bounded(() => new Line());
  readonly endpoints = new Bounded(() => new Line());
  /** By why an answer was not looked up, or not stored. */
  readonly bypasses = new Bounded(() => ({ count: 0 }), 100);
  readonly unstored = new Bounded(() => ({ count: 0 }), 100);
  /** By why nothing was there. */
  readonly missed = new Bounded(() => ({ count: 0 }), 100);
  readonly upstreams = new Bounded(() => new UpstreamLine());
  /** By upstream and type, as in `default llm_responses`. */
  readonly paces = new Bounded(() => new Pace());
  readonly deliveries = new Bounded(() => ({ count: 0 }));
  readonly invalidated: InvalidationFigures = { invalidations: 0, byTag: 0, empty: 0, entries: 0 };
  /** Those who could not prove who they are. */
  refused = 0;
  readonly #windows = new Windows();
  readonly #prices: Prices;

  constructor(prices: Prices) {
    this.#prices = prices;
  }

  /** Takes note of what has happened. */
  readonly take = (event: Event): void => {
    switch (event.kind) {
      case 'answered':
        this.#answered(event);
        break;
      case 'fetched': {
        const isAbandoned = event.outcome === 'abandoned';
        if (!isAbandoned) this.#windows.now.durations.upstream.record(event.ms * 1_000);
        const line = this.upstreams.of(event.upstream);
        line.calls += 1;
        if (event.outcome === 'failed' || (event.status ?? 0) >= 500) line.failures += 1;
        else if (!isAbandoned) this.paces.of(`${event.upstream} ${event.type}`).note(event.ms);
        if (event.status === 429) line.limited += 1;
        if (event.outcome === 'unstored' && event.reason !== undefined)
          this.unstored.of(event.reason).count += 1;
        break;
      }
      case 'invalidated':
        if (event.dryRun) break;
        this.invalidated.invalidations += 1;
        this.invalidated.entries += event.matched;
        if (event.tags.length > 0) this.invalidated.byTag += 1;
        if (event.matched === 0) this.invalidated.empty += 1;
        break;
      case 'delivery':
        this.deliveries.of(`${event.webhook} ${event.outcome}`).count += 1;
        if (event.outcome === 'refused') this.refused += 1;
        break;
      case 'refused':
        this.refused += 1;
        break;
    }
  };

  /** To be called every {@link TURN_MS}. Gives what was counted in the minute that has ended, if one has. */
  turn(): Tally | undefined {
    for (const [, pace] of this.paces.entries()) pace.turn();
    return this.#windows.turn();
  }

  /** What was counted before the present step; what was counted before a restart is added to it. */
  get past(): Tally {
    return this.#windows.past;
  }

  /** What was counted since the start. */
  get total(): Tally {
    return this.#windows.total;
  }

  /** What was counted in a window. */
  in(window: Window): Tally {
    return this.#windows.in(window);
  }

  /** The counts of {@link total}. */
  get counts(): Counts {
    return this.#windows.counts;
  }

  /** The counts of a window. */
  countsIn(window: Window): Counts {
    return this.#windows.countsIn(window);
  }

  #answered(event: Answered): void {
    const { type, model, namespace, outcome, level, spared, reason } = event;
    const { now } = this.#windows;
    const name = countOf(outcome);
    const share = name === 'partial' && event.parts !== undefined ? event.parts.hits / event.parts.total : 0;
    const usd = spared === undefined ? 0 : this.#costOf(spared.calls, spared.usage, model);
    const count = ({ counts, saved }: Line | Tally) => {
      counts.of[name] += 1;
      counts.partialShare += share;
      if (spared !== undefined) note(saved, spared.calls, spared.usage, spared.upstreamMs, usd);
    };
    count(now);
    count(this.endpoints.of(event.endpoint));
    if (type !== undefined) count(this.types.of(type));
    if (model !== undefined) {
      count(this.models.of(model));
      count(this.namespaces.of(namespace === undefined || namespace === '' ? 'default' : namespace));
    }
    const micros = event.ms * 1_000;
    const { durations } = now;
    if (event.headMs !== undefined) durations.ttfb.record(event.headMs * 1_000);
    if (name === 'hits' || name === 'stale') {
      durations.hit.record(micros);
      if (level === 'l1') durations.hit_l1.record(micros);
      else if (level === 'l2') durations.hit_l2.record(micros);
      else if (level === 'l3') durations.hit_l3.record(micros);
      return;
    }
    if (name === 'misses') durations.miss.record(micros);
    if (event.upstreamMs !== undefined)
      durations.added.record(Math.max(0, micros - event.upstreamMs * 1_000));
    if (reason === undefined) return;
    if (name === 'bypassed') this.bypasses.of(reason).count += 1;
    else if (name === 'misses') this.missed.of(reason).count += 1;
    if (reason === 'shadow-hit') {
      note(now.shadow, 1, event.usage, event.upstreamMs ?? 0, this.#costOf(1, event.usage, model));
    }
  }

  #costOf(calls: 0 | 1, usage: Usage | undefined, model: string | undefined): number {
    if (calls === 0 && usage === undefined) return 0;
    return this.#prices.costOf(usage, model ?? '') ?? 0;
  }
}

function note(
  saved: Savings,
  calls: number,
  usage: Usage | undefined,
  upstreamMs: number,
  usd: number,
): void {
  saved.requests += calls;
  saved.promptTokens += usage?.promptTokens ?? 0;
  saved.completionTokens += usage?.completionTokens ?? 0;
  saved.upstreamMs += upstreamMs;
  saved.usd += usd;
}
