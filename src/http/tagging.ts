import { tooMany, withTagged } from '../cache/tagged.ts';
import type { Boarding } from './boarding.ts';
import type { Call } from './call.ts';
import { tagsOf } from './call-tags.ts';
import type { ProxyContext } from './refresh.ts';
import type { Holding, Shelf } from './shelf.ts';

/**
 * Adds what a call speaks of to the entries it is served: whoever asks may know of more than the one who paid. An entry that
 * would have more tags than it may have is given up, for none is left out.
 */
export function addTags(context: ProxyContext, call: Call, shelf: Shelf): void {
  const lacking = new Set(shelf.lacking);
  for (const [part, holding] of shelf.holdings.entries()) {
    if (holding === undefined || (holding.isTagged && call.inherited !== 'too-many')) continue;
    if (!lacking.has(part)) addTo(context, call, part, holding);
  }
}

function addTo({ store }: ProxyContext, call: Call, part: number, { entry }: Holding): void {
  const tags = withTagged(entry.tags, tagsOf(call, part, entry.stamp));
  const { id } = entry.key;
  // A newer one may have come meanwhile, of which this call has seen nothing.
  if ((store.held(id)?.entry.stamp ?? entry.stamp) !== entry.stamp) return;
  if (call.inherited === 'too-many' || tooMany(tags)) store.delete(id);
  else store.put([{ ...entry, tags }], call.quota);
}

/** Tells the call's trace what it is given: what a model writes afterwards may speak of it. */
export function noteLineage(context: ProxyContext, call: Call, shelf: Shelf, boarding?: Boarding): void {
  const { trace } = call;
  if (trace === undefined || call.plan.lineage !== 'gives') return;
  const lacking = new Set(shelf.lacking);
  const held = shelf.holdings.filter((_, part) => !lacking.has(part));
  const tags = [...held.flatMap((holding) => holding?.entry.tags ?? []), ...(boarding?.tags ?? [])];
  context.lineage.note(call.caller.circle, trace, tags);
}
