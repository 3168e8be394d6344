/** The kinds of calls that a question makes, in their order. */
export const KINDS = ['embeddings', 'search', 'products', 'chat'] as const;

/** One of {@link KINDS}. */
export type Kind = (typeof KINDS)[number];

/** One call of a customer that the proxy has answered. */
export interface Call {
  readonly kind: Kind;
  /** The answer's `x-cache` header; null if it had none. */
  readonly cache: string | null;
  /** The answer's `x-cache-key` header: the entry it came from, or was stored as; null if it had none. */
  readonly key: string | null;
  /** The ids of the articles that the answer speaks of, or was written from. */
  readonly about: readonly string[];
  /** Milliseconds from the call to the last byte of its answer. */
  readonly ms: number;
  /** What the answer costs at the model's list price. */
  readonly usd: number;
}
