import type { Condition, Effect } from './condition.ts';
import type { Entry } from './entry.ts';

/** What marks say of an entry: `expired` it may only answer for a failing upstream; `purged` it is never served again. */
export type Standing = 'alive' | 'expired' | 'purged';

/** An invalidation as it is kept: it concerns what is meant and was asked for before its stamp. */
export interface Mark {
  /** Undefined for everything there is. */
  readonly condition: Condition | undefined;
  readonly effect: Effect;
  readonly stamp: number;
}

/** What is judged: an entry, or a fetch that will make one. */
export type Subject = Pick<Entry, 'key' | 'stamp' | 'tags'>;

/** A {@link Standing} as a number: of several marks the greatest counts. */
export type Rank = 0 | 1 | 2;

export const ALIVE: Rank = 0;
export const EXPIRED: Rank = 1;
export const PURGED: Rank = 2;

/** The standings by their ranks. */
export const STANDINGS: readonly [Standing, Standing, Standing] = ['alive', 'expired', 'purged'];

/** The rank of what a mark concerns. */
export const RANK_OF: Readonly<Record<Effect, Rank>> = { expire: EXPIRED, purge: PURGED };

/** Of two ranks the one that counts. */
export function worse(one: Rank, other: Rank): Rank {
  return one > other ? one : other;
}

/** When the oldest was asked for of what a subject is, or was written from. */
export function oldestOf({ stamp, tags }: Pick<Subject, 'stamp' | 'tags'>): number {
  let oldest = stamp;
  for (const [, at] of tags) if (at < oldest) oldest = at;
  return oldest;
}
