import type { Invalidator, Order, Outcome } from '../invalidation/invalidator.ts';
import { messageOf, RepriseError } from '../shared/errors.ts';

/** Has one order of a caller of the API carried out. Throws `internal_error`, which says so, where it cannot be made durable. */
export async function carryOut(invalidator: Invalidator, order: Omit<Order, 'by'>): Promise<Outcome> {
  const [outcome] = await invalidator.invalidate([{ ...order, by: 'api' }]).catch((cause: unknown) => {
    const message = `The invalidation could not be made durable, so that what it means may still be served, and it has to be asked for again: ${messageOf(cause)}`;
    throw new RepriseError('internal_error', message, { cause });
  });
  if (outcome === undefined) throw new Error('an order came to nothing');
  return outcome;
}
