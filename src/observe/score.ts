import type { Counts } from './counts.ts';
import type { Reuse } from './reuse.ts';

/** Requests below which nothing is said. */
const FEWEST = 50;

/**
 * How much of what a perfect cache would have answered this one did, from 0 to 100. A perfect cache is large enough for everything and
 * never has to forget: it answers whatever was asked for before. What no cache can answer, a question asked for the first time, counts
 * neither way. Null while too little was asked, or nothing twice.
 */
export function scoreOf(counts: Counts, reuse: Reuse): number | null {
  const best = reuse.hitRate(Number.POSITIVE_INFINITY);
  const reached = counts.hitRate;
  if (reached === undefined || counts.lookedUp < FEWEST || reuse.seen < FEWEST || best < 0.01) return null;
  return Math.round(100 * Math.min(1, reached / best));
}
