import type { Store } from '../cache/store.ts';
import type { StoreFigures } from '../cache/store-figures.ts';
import { type Level, NO_FIGURES, type OwnFigures } from '../cache/tier.ts';
import { Histogram } from '../shared/histogram.ts';
import type { Report } from './calls.ts';

/** What the threads `T` have told of themselves, those that are gone too. */
export class Reports<T> {
  readonly #latest = new Map<T, Report>();
  /** Those of all threads that are gone, as one. */
  #gone: Report | undefined;
  /** All of them as one, until a thread tells anew. */
  #sum: Report | undefined;

  /** Takes what a thread tells, in the place of what it told before. */
  take(thread: T, report: Report): void {
    this.#latest.set(thread, report);
    this.#sum = undefined;
  }

  /** The thread is gone: what it has counted stays, what it held does not. */
  forget(thread: T): void {
    const last = this.#latest.get(thread);
    this.#latest.delete(thread);
    if (last === undefined) return;
    const memory = { ...last.memory, entries: 0, bytes: 0, maxEntries: 0, maxBytes: 0 };
    const ended = { ...last, memory };
    this.#gone = this.#gone === undefined ? ended : together(this.#gone, ended);
    this.#sum = undefined;
  }

  /** A store's figures, with those of all threads. */
  figuresWith(store: Pick<Store, 'figures'>): StoreFigures {
    const figures = store.figures();
    const own = reportOf(figures);
    const told = [...this.#latest.values(), ...(this.#gone === undefined ? [] : [this.#gone])];
    if (told.length > 0) this.#sum ??= told.reduce(together);
    // With a disk below it, the main thread's memory has no part in what the others answer from.
    const isCache = figures.levels.l2 === undefined || this.#latest.size === 0;
    const ours = isCache ? own : { ...own, memory: { ...own.memory, maxEntries: 0, maxBytes: 0 } };
    const all = this.#sum === undefined ? own : together(ours, this.#sum);
    const caches = this.#latest.size + (isCache ? 1 : 0);
    const histograms = Object.entries(all.lookups).map(([level, state]) => [level, Histogram.of(state)]);
    return {
      levels: { ...figures.levels, l1: { ...all.memory, caches } },
      lookups: Object.fromEntries(histograms),
      promotions: all.promotions,
      faults: all.faults,
    };
  }
}

/** What a thread tells of its store. */
export function reportOf({ levels, lookups, promotions, faults }: StoreFigures): Report {
  const states = Object.entries(lookups).map(([level, { state }]) => [level, state]);
  return {
    memory: { ...NO_FIGURES, ...levels.l1 },
    lookups: Object.fromEntries(states),
    promotions,
    faults,
  };
}

function together(one: Report, other: Report): Report {
  const levels = [...new Set([...levelsOf(one.lookups), ...levelsOf(other.lookups)])];
  const lookups = levels.map((level) => {
    const histogram = new Histogram();
    for (const state of [one.lookups[level], other.lookups[level]]) {
      if (state !== undefined) histogram.add(Histogram.of(state));
    }
    return [level, histogram.state];
  });
  const promoted = levels.map((level) => {
    return [level, (one.promotions[level] ?? 0) + (other.promotions[level] ?? 0)];
  });
  return {
    memory: sumOf(one.memory, other.memory),
    lookups: Object.fromEntries(lookups),
    promotions: Object.fromEntries(promoted),
    faults: one.faults + other.faults,
  };
}

function levelsOf(lookups: Report['lookups']): readonly Level[] {
  return LEVELS.filter((level) => lookups[level] !== undefined);
}

const LEVELS: readonly Level[] = ['l1', 'l2', 'l3'];

function sumOf(one: OwnFigures, other: OwnFigures): OwnFigures {
  return {
    entries: one.entries + other.entries,
    bytes: one.bytes + other.bytes,
    maxEntries: (one.maxEntries ?? 0) + (other.maxEntries ?? 0),
    maxBytes: one.maxBytes + other.maxBytes,
    hits: one.hits + other.hits,
    misses: one.misses + other.misses,
    evictions: one.evictions + other.evictions,
    unexpired: one.unexpired + other.unexpired,
    expirations: one.expirations + other.expirations,
    faults: one.faults + other.faults,
  };
}
