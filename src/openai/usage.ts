/** What an upstream call, or one item of it, cost in prompt tokens. */
export interface Tokens {
  readonly tokens: number;
  /** Whether the figure is this item's share of a sum, by its size, and not the upstream's own word. */
  readonly estimated: boolean;
}

/** The size of one item of a batch: how many tokens it is, or how many UTF-8 bytes its text has. */
export interface ItemSizes {
  readonly unit: 'tokens' | 'bytes';
  readonly sizes: readonly number[];
}

/**
 * The `prompt_tokens` of an upstream's `usage` object; undefined where it does not say, or says what cannot be.
 */
export function promptTokens(usage: unknown): number | undefined {
  if (typeof usage !== 'object' || usage === null || !('prompt_tokens' in usage)) return undefined;
  const total = usage.prompt_tokens;
  return typeof total === 'number' && isTokens(total) ? total : undefined;
}

/** Whether a number can be one of tokens: sums of others would in the end be none. */
export function isTokens(count: number): boolean {
  return Number.isSafeInteger(count) && count >= 0 && count <= MOST_TOKENS;
}

/**
 * Shares the prompt tokens of one upstream answer out to its items; the shares always add up to `total`. Exact where
 * there is one item, or where the items are tokens and as many as were counted; otherwise estimated in proportion to the
 * sizes, by the largest remainder.
 */
export function apportion(total: number, items: ItemSizes): readonly Tokens[] {
  const sum = items.sizes.reduce((left, right) => left + right, 0);
  const estimated = items.sizes.length > 1 && !(items.unit === 'tokens' && sum === total);
  return largestRemainder(total, sum, items.sizes).map((tokens) => ({ tokens, estimated }));
}

// Far above any context window times any batch, and small enough for products with sizes to be exact integers.
const MOST_TOKENS = 50_000_000;

/** Whole numbers in proportion to `sizes` that add up to `total`; of equal remainders the earlier item's wins. */
function largestRemainder(total: number, sum: number, sizes: readonly number[]): number[] {
  const shares: number[] = [];
  const remainders: number[] = [];
  let left = total;
  for (const size of sizes) {
    const share = Math.floor((total * size) / sum);
    shares.push(share);
    remainders.push((total * size) % sum);
    left -= share;
  }
  const neediest = [...sizes.keys()].sort((a, b) => (remainders[b] ?? 0) - (remainders[a] ?? 0) || a - b);
  for (const index of neediest.slice(0, left)) shares[index] = (shares[index] ?? 0) + 1;
  return shares;
}
