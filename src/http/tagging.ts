import type { Entry, Tagged } from '../cache/entry.ts';
import { tooMany, withTagged } from '../cache/tagged.ts';
import type { Boarding } from './boarding.ts';
import type { Call } from './call.ts';
import { tagsOf } from './call-tags.ts';
import type { ProxyContext } from './refresh.ts';
import type { Holding } from './shelf.ts';

/**
 * Adds what a call speaks of to the entries it is served: whoever asks may know of more than the one who paid. An entry that
 * would have more tags than it may have is given up, for none is left out.
 */
export function addTags(context: ProxyContext, call: Call, served: Served): void {
  for (const [part, holding] of served.entries()) {
    if (holding === undefined || (holding.isTagged && call.inherited !== 'too-many')) continue;
    addTo(context, call, part, holding);
  }
}

/** Of each part the entry that the caller is served, if it is served one. */
type Served = readonly (Holding | undefined)[];

function addTo({ store }: ProxyContext, call: Call, part: number, { entry }: Holding): void {
  const tags = tagsFor(call, part, entry);
  if (tags === entry.tags && call.inherited !== 'too-many') return;
  const { id } = entry.key;
  // A newer one may have come meanwhile, of which this call has seen nothing.
  if ((store.held(id)?.entry.stamp ?? entry.stamp) !== entry.stamp) return;
  if (call.inherited === 'too-many' || tooMany(tags)) store.delete(id);
  else store.put([{ ...entry, tags }], call.quota);
}

/** Tells the call's trace what it is given: what a model writes afterwards may speak of it. */
export function noteLineage(context: ProxyContext, call: Call, served: Served, boarding?: Boarding): void {
  const { trace } = call;
  if (trace === undefined || call.plan.lineage !== 'gives') return;
  const held = served.flatMap((holding, part) => (holding ? tagsFor(call, part, holding.entry) : []));
  context.lineage.note(call.caller.circle, trace, [...held, ...(boarding?.tags ?? [])]);
}

/** What an entry speaks of, with what the call says that is served it. */
function tagsFor(call: Call, part: number, entry: Entry): readonly Tagged[] {
  return withTagged(entry.tags, tagsOf(call, part, entry.stamp));
}
