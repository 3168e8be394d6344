import type { Invalidator, Order, Outcome } from '../../src/invalidation/invalidator.ts';

/** Notes what it is asked to invalidate, and says that each order meant three entries. */
export class RecordingInvalidator implements Invalidator {
  /** The orders of each call. */
  readonly calls: (readonly Order[])[] = [];
  /** What the next calls fail with. */
  fault: Error | undefined;
  /** Resolves when the orders of a call may be said to be durable. */
  gate: Promise<void> = Promise.resolve();

  /** All orders so far. */
  get orders(): readonly Order[] {
    return this.calls.flat();
  }

  async invalidate(orders: readonly Order[]): Promise<readonly Outcome[]> {
    this.calls.push(orders);
    await this.gate;
    if (this.fault !== undefined) throw this.fault;
    return orders.map((_, at) => ({
      id: `inv_${at}`,
      matched: 3,
      invalidated: 3,
      atLeast: false,
      bytes: 300,
      sample: [],
    }));
  }
}
