import type { Tagged } from '../cache/entry.ts';
import { withTagged } from '../cache/tagged.ts';
import type { Call } from './call.ts';

/** What a call says of one of its parts: its own tags as of `stamp`, and those it inherits with the stamps they came with. */
export function tagsOf(call: Call, part: number, stamp: number): readonly Tagged[] {
  const { tags, inherited, plan } = call;
  const own = plan.parts[part]?.tags;
  if (tags.length === 0 && own === undefined && inherited.length === 0) return NONE;
  const said = [...tags, ...(own ?? [])].map((tag): Tagged => [tag, stamp]);
  return inherited === 'too-many' ? said : withTagged(said, inherited);
}

const NONE: readonly Tagged[] = [];
