import { MAX_TAGS } from '../shared/tag.ts';
import type { Tagged } from './entry.ts';

/** Both lists as one, each tag once with its oldest stamp; `tags` itself if `more` adds nothing to it. */
export function withTagged(tags: readonly Tagged[], more: readonly Tagged[]): readonly Tagged[] {
  const added = beyond(tags, more);
  if (added.length === 0) return tags;
  const oldest = new Map(tags);
  for (const [tag, stamp] of added) oldest.set(tag, Math.min(stamp, oldest.get(tag) ?? stamp));
  return [...oldest];
}

/** What of `more` says more than `tags` do: other tags, or older stamps. Mostly nothing. */
export function beyond(tags: readonly Tagged[], more: readonly Tagged[]): readonly Tagged[] {
  return more.every((one) => isAmong(tags, one)) ? NONE : more.filter((one) => !isAmong(tags, one));
}

function isAmong(tags: readonly Tagged[], [tag, stamp]: Tagged): boolean {
  return tags.some(([known, since]) => known === tag && since <= stamp);
}

const NONE: readonly Tagged[] = [];

/** Whether these are more than an entry may have. None is ever left out: what has too many is not kept. */
export function tooMany(tags: readonly Tagged[]): boolean {
  return tags.length > MAX_TAGS;
}
