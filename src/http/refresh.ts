import type { Traces } from '../policy/lineage.ts';
import type { Background } from '../shared/background.ts';
import { RepriseError } from '../shared/errors.ts';
import { Boarding, type Landing } from './boarding.ts';
import type { Call } from './call.ts';
import { Errand } from './errand.ts';
import type { FetchContext } from './fetch.ts';
import type { Leases } from './leases.ts';
import type { Shelf, ShelfContext } from './shelf.ts';

/** What answering calls takes. */
export interface ProxyContext extends FetchContext, ShelfContext {
  /** Owner of the refreshes that run behind stale answers. */
  readonly background: Background;
  readonly lineage: Traces;
  readonly leases: Leases;
}

/** Whether stale-if-error answers for this: no answer, a 5xx, or a 429 (RFC 5861 §4 and rate limits). */
export function failed(landing: Landing): boolean {
  if (landing.kind === 'failed') return true;
  return landing.kind === 'answer' && (landing.head.status >= 500 || landing.head.status === 429);
}

/** Remembers that these parts could not be refreshed, so that what is old is served without asking again for a while. */
export function rest(context: ProxyContext, call: Call, parts: readonly number[]): void {
  const until = context.clock.elapsed() + call.upstream.retryAfterFailureMs;
  for (const part of parts) {
    const key = call.keys[part];
    if (key !== undefined) context.flights.rest(key.id, until);
  }
}

/** Whether asking for these parts has just failed, or asking this upstream for anything has. */
export function rests(context: ProxyContext, call: Call, parts: readonly number[]): boolean {
  if (call.upstream.health.failing()) return true;
  const now = context.clock.elapsed();
  return parts.every((part) => {
    const key = call.keys[part];
    return key !== undefined && context.flights.rests(key.id, now);
  });
}

/** Fetches anew what was served stale, once a key, without anybody waiting (RFC 5861 §3). */
export function refreshBehind(context: ProxyContext, call: Call, shelf: Shelf): void {
  if (shelf.stale.length === 0) return;
  const parts = due(context, call, shelf.stale);
  if (parts.length > 0 && !call.upstream.health.failing())
    context.background.run('refresh', refresh(context, call, parts));
}

/** Those of the parts that nobody here is fetching, and whose last refresh has not just failed. */
function due({ flights, clock }: ProxyContext, call: Call, parts: readonly number[]): readonly number[] {
  const now = clock.elapsed();
  return parts.filter((part) => {
    const key = call.keys[part];
    return key !== undefined && flights.find(key.id, now) === undefined && !flights.rests(key.id, now);
  });
}

async function refresh(context: ProxyContext, call: Call, parts: readonly number[]): Promise<void> {
  const errand = new Errand(context.leases);
  try {
    const elsewhere = errand.isElsewhere(call, parts);
    // Somebody here may have begun to while others were asked.
    if (elsewhere !== false && ((await elsewhere) || due(context, call, parts).length < parts.length)) return;
    const boarding = new Boarding(context, call, parts, true);
    errand.follow(boarding);
    const landing = await boarding.complete();
    if (failed(landing)) rest(context, call, parts);
    boarding.leave();
  } catch (thrown) {
    // The breaker is open, or the upstream's queue full: old entries answer meanwhile.
    if (!(thrown instanceof RepriseError)) throw thrown;
  } finally {
    errand.end();
  }
}
