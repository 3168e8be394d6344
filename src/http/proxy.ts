import type { Entry } from '../cache/entry.ts';
import { RepriseError } from '../shared/errors.ts';
import { type Soon, whenThere } from '../shared/soon.ts';
import { Boarding } from './boarding.ts';
import type { Call } from './call.ts';
import { type Delivery, fromLanding, fromShelf, fromUpstream } from './delivery.ts';
import { Errand } from './errand.ts';
import { notCached } from './errors.ts';
import { failed, type ProxyContext, refreshBehind, rest, rests } from './refresh.ts';
import { bare, lookUp, type Shelf, stands } from './shelf.ts';
import { addTags, noteLineage, noteUnread } from './tagging.ts';

/**
 * Answers one call from the cache, from fetches under way, and from the upstream, in this order:
 *
 *     look up → judge ─┬─ fresh ─────────────→ deliver
 *                      ├─ being fetched → join → deliver
 *                      └─ missing → narrow → fetch → admit → store → join → deliver
 *
 * What L1 holds is answered at once. `onGone` is given what to do if the caller goes away before it has its answer. Throws, or
 * rejects with, a RepriseError where there is no answer.
 */
export function answer(
  context: ProxyContext,
  call: Call,
  onGone: (leave: () => void) => void,
): Soon<Delivery> {
  return whenThere(lookUp(context, call), (shelf) => {
    return fromCache(context, call, shelf) ?? fromFetches(context, call, shelf, onGone);
  });
}

/** Answers a call if everything is here, and fresh; undefined where more has to be done, of which nothing has been then. */
export function answerFromHere(context: ProxyContext, call: Call): Soon<Delivery | undefined> {
  if (!call.keys.every(({ id }) => context.store.holds(id))) return undefined;
  return whenThere(lookUp(context, call), (shelf) => {
    if (shelf.lacking.length > 0 || shelf.stale.length > 0) return undefined;
    addTags(context, call, shelf);
    return fromShelf(call, shelf, shelf.at);
  });
}

/** Answers where nobody need be asked, or may be. */
function fromCache(context: ProxyContext, call: Call, shelf: Shelf): Soon<Delivery> | undefined {
  addTags(context, call, shelf);
  if (shelf.lacking.length === 0) {
    refreshBehind(context, call, shelf);
    return serve(context, call, shelf, shelf.at);
  }
  if (call.directives.onlyIfCached) throw notCached();
  if (call.revalidation && shelf.holdings.every((held) => held === undefined)) {
    const { relay } = call.revalidation;
    return whenThere(noteUnread(context, call), () => fromUpstream(relay));
  }
  return shelf.bridged && rests(context, call, shelf.lacking) ? serve(context, call, shelf) : undefined;
}

/** Answers from fetches, of which those that others have begun are joined. */
async function fromFetches(
  context: ProxyContext,
  call: Call,
  shelf: Shelf,
  onGone: (leave: () => void) => void,
): Promise<Delivery> {
  const errand = new Errand(context.leases);
  try {
    return await attempts(context, call, shelf, onGone, errand);
  } finally {
    errand.end();
  }
}

async function attempts(
  context: ProxyContext,
  call: Call,
  looked: Shelf,
  onGone: (leave: () => void) => void,
  errand: Errand,
): Promise<Delivery> {
  let shelf = looked;
  let alone = false;
  for (let attempt = 1; ; attempt += 1) {
    // What another instance was fetching may be there now.
    while (await errand.waits(call, shelf.lacking)) {
      shelf = await lookUp(context, call);
      const held = fromCache(context, call, shelf);
      if (held !== undefined) return held;
    }
    const boarding = board(context, call, shelf, alone);
    if (boarding === undefined) return serve(context, call, shelf);
    errand.follow(boarding);
    onGone(() => boarding.leave());
    const landing = await boarding.landed();
    if (shelf.bridged && failed(landing) && stands(context, call, shelf)) {
      boarding.leave();
      // That nobody wanted it any more says nothing of the upstream.
      const isAbandoned = landing.kind === 'failed' && landing.abandoned === true;
      if (!isAbandoned) rest(context, call, shelf.lacking);
      return serve(context, call, shelf);
    }
    // What was fetched does not go together with what was held (another snapshot of the model, say): once more, in one call.
    const agrees = landing.kind !== 'entries' || agree(call, shelf, landing.entries);
    if (landing.kind !== 'foreign' && agrees) {
      await noteLineage(context, call, shelf, boarding);
      return fromLanding(context.clock, call, shelf, boarding, landing);
    }
    boarding.leave();
    if (attempt === ATTEMPTS) break;
    if (landing.kind === 'entries' && !landing.stored) {
      // Nor will the next look find what was fetched: all of it in one call.
      shelf = bare(call, 'other-model', shelf.at);
      continue;
    }
    // A caller whose joined fetch failed, or was not for it, asks itself. One that was only older than an invalidation, or a stream
    // without what JSON says, may still find another to join, but does not go on looking for ever.
    const why = landing.kind === 'foreign' ? landing.why : 'another';
    alone = why === 'another' || attempt === ATTEMPTS - 1;
    // Of several the first begins another and the rest join it, before that can be over: nothing can be in the cache meanwhile.
    if (why === 'withdrawn') continue;
    shelf = await lookUp(context, call);
    const held = fromCache(context, call, shelf);
    if (held !== undefined) return held;
  }
  throw new RepriseError('upstream_unreachable', 'The upstream gave no answer of this request’s own.');
}

/** How often a call asks the upstream, or joins others that do, before it has no answer. */
export const ATTEMPTS = 3;

/** Answers from what the cache holds, as it is now. */
function serve(context: ProxyContext, call: Call, shelf: Shelf, now = context.clock.now()): Soon<Delivery> {
  return whenThere(noteLineage(context, call, shelf), () => fromShelf(call, shelf, now));
}

/** Joins or starts what the shelf lacks; undefined where the upstream is not to be asked and the shelf can do without. */
function board(context: ProxyContext, call: Call, shelf: Shelf, alone: boolean): Boarding | undefined {
  try {
    return new Boarding(context, call, shelf.lacking, alone);
  } catch (thrown) {
    if (shelf.bridged) return undefined;
    throw thrown;
  }
}

/** Whether what was fetched and what was held can be put together. */
function agree(call: Call, shelf: Shelf, fetched: ReadonlyMap<number, Entry>): boolean {
  const payloads = shelf.holdings.map((holding, part) => (fetched.get(part) ?? holding?.entry)?.payload);
  return (call.plan.disagreeing?.(payloads) ?? []).length === 0;
}
