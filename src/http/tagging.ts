import type { Tagged } from '../cache/entry.ts';
import { withTagged } from '../cache/tagged.ts';
import { UNKNOWN } from '../policy/told.ts';
import type { Boarding } from './boarding.ts';
import type { Call } from './call.ts';
import { tagsOf } from './call-tags.ts';
import type { ProxyContext } from './refresh.ts';
import { retag } from './retag.ts';
import type { Shelf } from './shelf.ts';

/**
 * Adds what a call speaks of to the entries it may be served: whoever asks may know of more than the one who paid. To be called as
 * soon as they are found: later there may be tags that others have added meanwhile.
 */
export function addTags(context: ProxyContext, call: Call, { holdings, lacking, bridged }: Shelf): void {
  const fetched = bridged || lacking.length === 0 ? NO_PARTS : new Set(lacking);
  for (let part = 0; part < holdings.length; part += 1) {
    const holding = holdings[part];
    if (holding === undefined || fetched.has(part)) continue;
    const { isWhole } = call.inherited;
    if (holding.isTagged && isWhole) continue;
    const { entry } = holding;
    retag(context, entry, { tags: tagsOf(call, part, entry.stamp), isWhole }, call.quota);
  }
}

const NO_PARTS: ReadonlySet<number> = new Set();

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
  const held = holdings.flatMap((holding, part) => {
    if (holding === undefined || fetched.has(part)) return [];
    const { tags, stamp } = holding.entry;
    return withTagged(tags, tagsOf(call, part, stamp));
  });
  const unknown = boarding?.knowsTags === false ? [UNKNOWN] : [];
  return context.lineage.note(call.caller.circle, trace, [...held, ...(boarding?.tags ?? []), ...unknown]);
}

/** Tells the caller's trace what it is given by an answer that is passed through, and that nobody reads. */
export function noteUnread(
  { lineage, stamps }: Pick<ProxyContext, 'lineage' | 'stamps'>,
  { caller, trace, unread }: Pick<Call, 'caller' | 'trace' | 'unread'>,
): void | Promise<void> {
  if (trace === undefined || unread?.length === 0) return;
  const stamp = stamps.next();
  return lineage.note(caller.circle, trace, unread?.map((tag): Tagged => [tag, stamp]) ?? [UNKNOWN]);
}
