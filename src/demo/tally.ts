import { type Call, KINDS, type Kind } from './call.ts';

/** What the calls of one kind add up to. */
export interface Row extends Sums {
  readonly kind: Kind;
}

/** What calls add up to. */
export interface Sums {
  readonly calls: number;
  /** Answered from the cache. */
  readonly hits: number;
  /** Answered by a call of somebody else that was on its way. */
  readonly joined: number;
  /** Answered by a call of their own. */
  readonly misses: number;
  readonly hitMs: Spread;
  readonly missMs: Spread;
  /** What all answers are worth, and what those without a call of their own are worth. */
  readonly worthUsd: number;
  readonly savedUsd: number;
  /** Milliseconds of waiting that the hits saved: each would have taken the mean of the misses of its kind. */
  readonly savedMs: number;
}

/** Milliseconds that half, and 19 of 20, stay below; NaN where there is nothing to measure. */
export interface Spread {
  readonly p50: number;
  readonly p95: number;
}

/** Counts calls by what their `x-cache` header says. */
export class Tally {
  readonly #observed: ReadonlyMap<Kind, Observed> = new Map(KINDS.map((kind) => [kind, nothingObserved()]));

  /** Counts a call. */
  record({ kind, cache, ms, usd }: Call): void {
    const seen = this.#observed.get(kind);
    if (seen === undefined) return;
    seen.worthUsd += usd;
    const outcome = outcomeOf(cache);
    if (outcome !== 'miss') seen.savedUsd += usd;
    if (outcome === 'hit') seen.hitMs.push(ms);
    else if (outcome === 'joined') seen.joined += 1;
    else seen.missMs.push(ms);
  }

  /** One row a kind, in the order of {@link KINDS}. */
  rows(): readonly Row[] {
    return [...this.#observed].map(([kind, seen]) => toRow(kind, seen));
  }
}

/** What all calls add up to. */
export function totalOf(rows: readonly Row[]): Sums {
  const sum = (value: (row: Row) => number): number => rows.reduce((total, row) => total + value(row), 0);
  return {
    calls: sum((row) => row.calls),
    hits: sum((row) => row.hits),
    joined: sum((row) => row.joined),
    misses: sum((row) => row.misses),
    // A spread over unlike kinds would say nothing.
    hitMs: NOTHING,
    missMs: NOTHING,
    worthUsd: sum((row) => row.worthUsd),
    savedUsd: sum((row) => row.savedUsd),
    savedMs: sum((row) => row.savedMs),
  };
}

interface Observed {
  readonly hitMs: number[];
  readonly missMs: number[];
  joined: number;
  worthUsd: number;
  savedUsd: number;
}

const NOTHING: Spread = { p50: Number.NaN, p95: Number.NaN };

function nothingObserved(): Observed {
  return { hitMs: [], missMs: [], joined: 0, worthUsd: 0, savedUsd: 0 };
}

function outcomeOf(cache: string | null): 'hit' | 'joined' | 'miss' {
  if (cache === 'HIT' || cache === 'STALE') return 'hit';
  return cache === 'COALESCED' ? 'joined' : 'miss';
}

function toRow(kind: Kind, { hitMs, missMs, joined, worthUsd, savedUsd }: Observed): Row {
  const savedPerHit = missMs.length === 0 || hitMs.length === 0 ? 0 : Math.max(0, mean(missMs) - mean(hitMs));
  return {
    kind,
    calls: hitMs.length + joined + missMs.length,
    hits: hitMs.length,
    joined,
    misses: missMs.length,
    hitMs: spreadOf(hitMs),
    missMs: spreadOf(missMs),
    worthUsd,
    savedUsd,
    savedMs: savedPerHit * hitMs.length,
  };
}

function spreadOf(values: readonly number[]): Spread {
  const sorted = Float64Array.from(values).sort();
  return { p50: quantile(sorted, 0.5), p95: quantile(sorted, 0.95) };
}

/** The nearest-rank quantile: the smallest value that at least `share` of all do not exceed. */
function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
