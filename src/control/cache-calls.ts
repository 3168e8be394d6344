import type { ControlCall } from './call.ts';
import { type ClearContext, clearCall } from './clear-call.ts';
import { type InvalidateContext, invalidateCalls } from './invalidate-calls.ts';
import { type ListingContext, listingCalls } from './listing-calls.ts';
import { type ValuesCallContext, valuesCall } from './values-calls.ts';

/** What the calls that concern entries work with. */
export type CacheContext = InvalidateContext & ClearContext & ListingContext & ValuesCallContext;

/** The calls that change and list what the cache holds. */
export function cacheCalls(context: CacheContext): readonly ControlCall[] {
  return [...invalidateCalls(context), clearCall(context), valuesCall(context), ...listingCalls(context)];
}
