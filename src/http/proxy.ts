import type { Entry } from '../cache/entry.ts';
import type { Background } from '../shared/background.ts';
import { RepriseError } from '../shared/errors.ts';
import { Boarding, type Landing, startFetch } from './boarding.ts';
import type { Call } from './call.ts';
import { type Delivery, fromLanding, fromShelf } from './delivery.ts';
import type { FetchContext } from './fetch.ts';
import { lookUp, type Shelf } from './shelf.ts';

/** What answering calls takes. */
export interface ProxyContext extends FetchContext {
  /** Owner of the refreshes that run behind stale answers. */
  readonly background: Background;
}

/**
 * Answers one call from the cache, from fetches under way, and from the upstream, in this order:
 *
 *     look up → judge ─┬─ fresh ─────────────→ deliver
 *                      ├─ being fetched → join → deliver
 *                      └─ missing → narrow → fetch → admit → store → join → deliver
 *
 * `onGone` is given what to do if the caller goes away before it has its answer. Throws a RepriseError where there is
 * no answer.
 */
export async function answer(
  context: ProxyContext,
  call: Call,
  onGone: (leave: () => void) => void,
): Promise<Delivery> {
  // Alone the second time: a caller whose joined fetch failed, or was not for it, asks for what it lacks itself, once.
  for (const alone of [false, true]) {
    const shelf = await lookUp(context.store, call, context.clock);
    if (shelf.lacking.length === 0) {
      refreshBehind(context, call, shelf);
      return fromShelf(context.clock, call, shelf);
    }
    if (call.directives.onlyIfCached) throw notCached();
    // After a failed refresh stale answers are served without asking again for a while (`retry_after_failure`).
    if (shelf.bridged && call.upstream.health.failing()) return fromShelf(context.clock, call, shelf);

    const boarding = board(context, call, shelf, alone);
    if (boarding === undefined) return fromShelf(context.clock, call, shelf);
    onGone(() => boarding.leave());
    const landing = await boarding.landed();
    // What was fetched does not go together with what was held (another snapshot of the model, say): once more, in one call.
    const agrees = landing.kind !== 'entries' || agree(call, shelf, landing.entries);
    if (landing.kind !== 'foreign' && agrees && !(shelf.bridged && failed(landing))) {
      return fromLanding(context.clock, call, shelf, boarding, landing);
    }
    boarding.leave();
    if (shelf.bridged && agrees) return fromShelf(context.clock, call, shelf);
  }
  throw new RepriseError('upstream_unreachable', 'The upstream gave no answer of this request’s own.');
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

/** Whether stale-if-error answers for this: no answer, a 5xx, or a 429 (RFC 5861 §4 and rate limits). */
function failed(landing: Landing): boolean {
  if (landing.kind === 'failed') return true;
  return landing.kind === 'answer' && (landing.head.status >= 500 || landing.head.status === 429);
}

/** Fetches anew what was served stale, once a key, without anybody waiting (RFC 5861 §3). */
function refreshBehind(context: ProxyContext, call: Call, shelf: Shelf): void {
  const now = context.clock.now();
  const due = shelf.stale.filter((part) => {
    const key = call.keys[part];
    return key !== undefined && context.flights.find(key.id, now) === undefined;
  });
  if (due.length === 0 || call.upstream.health.failing()) return;
  context.background.run(
    'refresh',
    (async () => {
      const fetch = startFetch(context, call, due);
      const cursor = fetch.join(call.directives.ttlMs);
      await fetch.settled;
      fetch.leave(cursor);
    })(),
  );
}

function notCached(): RepriseError {
  return new RepriseError(
    'not_cached',
    'There is no stored answer to this request, and it asked for nothing else (only-if-cached).',
    {
      param: 'cache-control',
    },
  );
}
