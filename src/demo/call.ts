/** The kinds of calls that a question makes, in their order. */
export const KINDS = ['embeddings', 'search', 'products', 'chat'] as const;

/** One of {@link KINDS}. */
export type Kind = (typeof KINDS)[number];

/** One call of a customer that the proxy has answered. */
export interface Call {
  readonly kind: Kind;
  /** The answer's `x-cache` header; null if it had none. */
  readonly cache: string | null;
  /** Milliseconds from the call to the last byte of its answer. */
  readonly ms: number;
  /** What the answer costs at the model's list price. */
  readonly usd: number;
}
