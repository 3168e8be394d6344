/** The kinds of answers that are counted, in the order in which they are told. */
export const COUNTED = [
  'hits',
  'misses',
  'partial',
  'stale',
  'coalesced',
  'refreshed',
  'bypassed',
  'errors',
  'relayed',
] as const;

/** How an answer is counted. */
export type CountName = (typeof COUNTED)[number];

/** How an outcome, a word of `x-cache` or one of our own, is counted. */
export function countOf(outcome: string): CountName {
  return BY_OUTCOME.get(outcome) ?? 'errors';
}

const BY_OUTCOME: ReadonlyMap<string, CountName> = new Map([
  ['HIT', 'hits'],
  ['MISS', 'misses'],
  ['PARTIAL', 'partial'],
  ['STALE', 'stale'],
  ['COALESCED', 'coalesced'],
  ['REFRESH', 'refreshed'],
  ['BYPASS', 'bypassed'],
  ['RELAY', 'relayed'],
]);

/** How many answers of each kind there were. */
export class Counts {
  readonly of: Record<CountName, number> = {
    hits: 0,
    misses: 0,
    partial: 0,
    stale: 0,
    coalesced: 0,
    refreshed: 0,
    bypassed: 0,
    errors: 0,
    relayed: 0,
  };
  /** Of the answers that came partly from the cache, the parts that did, each as a share of its whole, summed. */
  partialShare = 0;

  /** All answers. */
  get total(): number {
    return COUNTED.reduce((sum, name) => sum + this.of[name], 0);
  }

  /** Those for which the cache was asked. */
  get lookedUp(): number {
    const { hits, misses, partial, stale, coalesced } = this.of;
    return hits + misses + partial + stale + coalesced;
  }

  /** Those of them that needed no upstream call of their own; an answer that came in part counts for that part. */
  get served(): number {
    const { hits, stale, coalesced } = this.of;
    return hits + stale + coalesced + this.partialShare;
  }

  /** The share of {@link served} in {@link lookedUp}, from 0 to 1; undefined if the cache was never asked. */
  get hitRate(): number | undefined {
    return this.lookedUp === 0 ? undefined : this.served / this.lookedUp;
  }

  /** Adds what others have counted. */
  add(other: Counts): void {
    for (const name of COUNTED) this.of[name] += other.of[name];
    this.partialShare += other.partialShare;
  }
}
