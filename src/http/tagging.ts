import type { Entry, Tagged } from '../cache/entry.ts';
import { tooMany, withTagged } from '../cache/tagged.ts';
import type { Boarding } from './boarding.ts';
import type { Call } from './call.ts';
import { tagsOf } from './call-tags.ts';
import type { ProxyContext } from './refresh.ts';
import type { Holding, Shelf } from './shelf.ts';

/**
 * Adds what a call speaks of to the entries it may be served: whoever asks may know of more than the one who paid. An entry that
 * would have more tags than it may have is given up, for none is left out; so is one that would have a tag of a vector store from
 * before that had settled. To be called as soon as they are found: later there may be tags that others have added meanwhile.
 */
export function addTags(context: ProxyContext, call: Call, { holdings, lacking, bridged }: Shelf): void {
  const fetched = bridged || lacking.length === 0 ? NO_PARTS : new Set(lacking);
  for (let part = 0; part < holdings.length; part += 1) {
    const holding = holdings[part];
    if (holding === undefined || fetched.has(part)) continue;
    if (!holding.isTagged || !call.inherited.isWhole) addTo(context, call, part, holding);
  }
}

const NO_PARTS: ReadonlySet<number> = new Set();

function addTo({ store, settling }: ProxyContext, call: Call, part: number, { entry }: Holding): void {
  const tags = tagsFor(call, part, entry);
  if (!call.inherited.isWhole || tooMany(tags) || settling.concern(tags)) store.delete(entry.key.id);
  else store.put([{ ...entry, tags }], call.quota);
}

/**
 * Tells the call's trace what it is given, from the shelf and with what it boarded: what a model writes afterwards may speak of it. Where
 * other instances are to know of it, that is to be waited for before the caller has its answer.
 */
export function noteLineage(
  context: ProxyContext,
  call: Call,
  { holdings, lacking }: Shelf,
  boarding?: Boarding,
): void | Promise<void> {
  const { trace } = call;
  if (trace === undefined || call.plan.lineage !== 'gives') return;
  const fetched = new Set(boarding === undefined ? [] : lacking);
  const held = holdings.flatMap((holding, part) =>
    holding === undefined || fetched.has(part) ? [] : tagsFor(call, part, holding.entry),
  );
  return context.lineage.note(call.caller.circle, trace, [...held, ...(boarding?.tags ?? [])]);
}

/** What an entry speaks of, with what the call says that is served it. */
function tagsFor(call: Call, part: number, entry: Entry): readonly Tagged[] {
  return withTagged(entry.tags, tagsOf(call, part, entry.stamp));
}
