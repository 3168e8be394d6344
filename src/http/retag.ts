import type { Entry, Tagged } from '../cache/entry.ts';
import type { Quota } from '../cache/store.ts';
import { tooMany, withTagged } from '../cache/tagged.ts';
import type { FetchContext } from './fetch.ts';

/** What is found out about an entry after it was stored. */
export interface SaidLater {
  readonly tags: readonly Tagged[];
  /** Whether `tags` are all that there is to add. */
  readonly isWhole: boolean;
}

/**
 * Adds to a stored entry the tags that were found out later. One that would have more than it may have is given up, for none is left
 * out; so is one that would have a tag of a vector store from before that had settled.
 */
export function retag(
  { store, settling }: Pick<FetchContext, 'store' | 'settling'>,
  entry: Entry,
  later: SaidLater,
  quota: Quota,
): void {
  const tags = withTagged(entry.tags, later.tags);
  if (!later.isWhole || tooMany(tags) || settling.concern(tags)) store.delete(entry.key.id);
  else if (tags !== entry.tags) store.put([{ ...entry, tags }], quota);
}
