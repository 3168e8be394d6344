import { MAX_TAGS } from '../shared/tag.ts';
import type { Tagged } from './entry.ts';

/** Both lists as one, each tag once with its oldest stamp; `tags` itself if `more` adds nothing to it. */
export function withTagged(tags: readonly Tagged[], more: readonly Tagged[]): readonly Tagged[] {
  if (more.length === 0 || (more.length * tags.length <= FEW && areWithin(tags, more))) return tags;
  const oldest = new Map(tags);
  let changed = false;
  for (const [tag, stamp] of more) {
    if (stamp >= (oldest.get(tag) ?? Number.POSITIVE_INFINITY)) continue;
    oldest.set(tag, stamp);
    changed = true;
  }
  return changed ? [...oldest] : tags;
}

/** So many comparisons cost less than a map. */
const FEW = 100;

function areWithin(tags: readonly Tagged[], more: readonly Tagged[]): boolean {
  return more.every(([tag, stamp]) => tags.some(([known, since]) => known === tag && since <= stamp));
}

/** Whether these are more than an entry may have. None is ever left out: what has too many is not kept. */
export function tooMany(tags: readonly Tagged[]): boolean {
  return tags.length > MAX_TAGS;
}
