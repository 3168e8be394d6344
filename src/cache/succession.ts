import type { Entry } from './entry.ts';
import { withTagged } from './tagged.ts';

/**
 * What is to be held of two entries under one id, whichever came first: the one that was asked for later, and of the same answer
 * all that either says it speaks of. It is one of the two themselves where that is all it says.
 */
export function successor(entry: Entry, held: Entry | undefined): Entry {
  if (held === undefined || held.stamp < entry.stamp) return entry;
  if (held.stamp > entry.stamp) return held;
  const tags = withTagged(entry.tags, held.tags);
  return tags === entry.tags ? entry : { ...entry, tags };
}
