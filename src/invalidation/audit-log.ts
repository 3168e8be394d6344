import type { Condition, Effect } from '../cache/condition.ts';

/** One invalidation, as it is told and kept: JSON, times in ISO 8601. */
export interface AuditRecord {
  readonly id: string;
  readonly at: string;
  /** Who asked: `api`, or `webhook:NAME`. */
  readonly by: string;
  readonly mode: Effect;
  readonly dry_run: boolean;
  /** What was meant; of long lists and texts the beginning. */
  readonly condition: Condition;
  /** How many members of lists are not told. */
  readonly omitted: number;
  readonly matched: number;
  readonly invalidated: number;
  /** There where `matched` is not exact. */
  readonly at_least?: true;
  /** How long it took, in milliseconds. */
  readonly ms: number;
}

/** The invalidations there were, for people to read. */
export interface AuditLog {
  /** The latest ones, newest first, at most `limit`. */
  latest(limit: number): readonly AuditRecord[];
  /** Takes one in. */
  record(record: AuditRecord): void;
}
