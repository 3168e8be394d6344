/** Which entries are meant: those that fulfil every list that is there; of one list any member will do. Never empty. */
export interface Condition {
  /** Shown keys (`type/namespace/label/digest`). */
  readonly keys?: readonly string[] | undefined;
  /** Globs over the shown key, as `shared/glob.ts` reads them. */
  readonly patterns?: readonly string[] | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly types?: readonly string[] | undefined;
  readonly namespaces?: readonly string[] | undefined;
  /** The third segment of the shown key, decoded: a model, or a route's name. */
  readonly models?: readonly string[] | undefined;
}

/**
 * What becomes of the entries meant: `purge` they are never served again; `expire` from now on only when the upstream fails,
 * and never for stale-while-revalidate.
 */
export type Effect = 'purge' | 'expire';
