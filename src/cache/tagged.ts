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
  const isNew = ([tag, stamp]: Tagged) => !isAmong(tags, tag, stamp);
  return more.some(isNew) ? more.filter(isNew) : NONE;
}

/** Whether this tag is among others, with this stamp or an older one. */
export function isAmong(tags: readonly Tagged[], tag: string, stamp: number): boolean {
  for (const tagged of tags) if (tagged[0] === tag && tagged[1] <= stamp) return true;
  return false;
}

const NONE: readonly Tagged[] = [];

/** Whether these are more than an entry may have. None is ever left out: what has too many is not kept. */
export function tooMany(tags: readonly Tagged[]): boolean {
  return tags.length > MAX_TAGS;
}
