import type { Entry, Tagged } from '../cache/entry.ts';
import { beyond, isAmong, withTagged } from '../cache/tagged.ts';
import type { Call } from './call.ts';

/** What a call says of one of its parts: its own tags as of `stamp`, and those it inherits with the stamps they came with. */
export function tagsOf(call: Call, part: number, stamp: number): readonly Tagged[] {
  const { tags, inherited, plan } = call;
  const own = plan.parts[part]?.tags;
  if (tags.length === 0 && own === undefined && inherited.tags.length === 0) return NONE;
  const said = [...tags, ...(own ?? [])].map((tag): Tagged => [tag, stamp]);
  return withTagged(said, inherited.tags);
}

const NONE: readonly Tagged[] = [];

/** Whether an entry has all the tags of {@link tagsOf}, and none later than they say. */
export function hasTagsOf(call: Call, part: number, { tags, stamp }: Entry): boolean {
  const { inherited, plan } = call;
  const own = plan.parts[part]?.tags ?? NO_NAMES;
  if (inherited.tags.length > 0) return beyond(tags, tagsOf(call, part, stamp)).length === 0;
  return areAmong(tags, call.tags, stamp) && areAmong(tags, own, stamp);
}

const NO_NAMES: readonly string[] = [];

function areAmong(tags: readonly Tagged[], names: readonly string[], stamp: number): boolean {
  for (const name of names) if (!isAmong(tags, name, stamp)) return false;
  return true;
}
