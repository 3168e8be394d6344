import type { Reception } from '../cache/bus.ts';
import type { Condition, Effect } from '../cache/condition.ts';

/** An invalidation as somebody asks for it. */
export interface Order {
  /** Undefined for everything there is. */
  readonly condition: Condition | undefined;
  readonly effect: Effect;
  /** Who asks, for the audit log: `api`, `webhook:NAME`, or `vector-store` for a write that passes through, `values` for a new value. */
  readonly by: string;
  /** Whether it is only to be told what would be meant. */
  readonly dryRun: boolean;
  /** Whether all that is meant is to be counted, however many they are. */
  readonly exact?: boolean;
}

/** What an order came to. */
export interface Outcome {
  /** Names it in the audit log. */
  readonly id: string;
  /**
   * Entries meant when it came, but for those that another order, at the same time, has counted for itself: exact to 10,000, then
   * {@link atLeast}.
   */
  readonly matched: number;
  /** Of these those that were not expired already, where they are to expire; 0 for a dry run. */
  readonly invalidated: number;
  readonly atLeast: boolean;
  /** Bytes of the bodies of those counted. */
  readonly bytes: number;
  /** The shown keys of some of them, at most 20. */
  readonly sample: readonly string[];
  /** Which other instances have it; absent where there are none. */
  readonly instances?: Reception;
}

/** Carries orders out. */
export interface Invalidator {
  /**
   * Resolves when no request that begins now can be served what is meant, also after a crash. Orders of one call are carried
   * out together; gives one outcome for each. Rejects if it cannot be made durable.
   */
  invalidate(orders: readonly Order[]): Promise<readonly Outcome[]>;
}
