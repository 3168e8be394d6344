import { createHash } from 'node:crypto';
import type { Tagged } from '../cache/entry.ts';
import type { SharedTraces } from '../cache/shared-traces.ts';
import { tooMany, withTagged } from '../cache/tagged.ts';
import type { SettlingStores } from '../http/settling-stores.ts';
import type { Lineage, Traces } from '../policy/lineage.ts';
import { ANONYMOUS } from '../policy/scope.ts';

/** What traces were told at all instances: see `SharedTraces`. */
export type ToldElsewhere = Pick<SharedTraces, 'note' | 'told'>;

/** Knows what was asked of a vector store that had not settled. */
type Settling = Pick<SettlingStores, 'concern'>;

/** Lineage: of this instance, or of all where they share what they were told. */
export function lineageOf(own: Lineage, shared: ToldElsewhere | undefined, settling: Settling): Traces {
  return shared === undefined ? own : sharedLineage(own, shared, settling);
}

/** Lineage over all instances: the calls of a trace may come to any of them. Without Redis nobody knows what the others were told. */
function sharedLineage(own: Lineage, shared: ToldElsewhere, settling: Settling): Traces {
  // When a store has settled each instance says by its own clock, and no number tells: so to others this is from before the write.
  const dated = (tagged: Tagged): Tagged => (settling.concern([tagged]) ? [tagged[0], BEFORE_ALL] : tagged);
  return {
    async note(owner, id, tags) {
      own.note(owner, id, tags);
      await shared.note(nameOf(owner, id), tags.map(dated));
    },
    async inherited(owner, id) {
      const known = own.inherited(owner, id);
      const told = await shared.told([...new Set([owner, ANONYMOUS])].map((whose) => nameOf(whose, id)));
      const tags = withTagged(known.tags, told ?? []);
      return { tags, isWhole: known.isWhole && told !== undefined && !tooMany(tags) };
    },
  };
}

/** No stamp is as old. */
const BEFORE_ALL = 0;

/** A trace's id is the caller's to choose. */
function nameOf(owner: string, id: string): string {
  return createHash('sha256')
    .update(JSON.stringify([owner, id]))
    .digest('base64url');
}
