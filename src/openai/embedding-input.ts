import type { Node } from './json.ts';
import type { ItemSizes } from './usage.ts';

/** The inputs of an embeddings request, one by one. */
export interface EmbeddingInput {
  /** A text or a token array each. */
  readonly items: readonly Node[];
  readonly sizes: ItemSizes;
}

/**
 * Takes `input` apart where it is a text, texts, one token array (which is ONE input) or token arrays within the API's
 * limits: 1 to 2,048 items, none empty, tokens whole and not negative. Undefined for anything else, mixed arrays too.
 */
export function readEmbeddingInput(input: Node): EmbeddingInput | undefined {
  if (input.kind !== 'array') return allOf([input], 'bytes');
  const { items } = input;
  if (items.length === 0) return undefined;
  if (items[0]?.kind === 'number') return allOf([input], 'tokens');
  return items.length > MOST_ITEMS
    ? undefined
    : allOf(items, items[0]?.kind === 'array' ? 'tokens' : 'bytes');
}

// https://platform.openai.com/docs/api-reference/embeddings/create
const MOST_ITEMS = 2048;

/** The items with their sizes, if every one is of this kind and not empty. */
function allOf(items: readonly Node[], unit: ItemSizes['unit']): EmbeddingInput | undefined {
  const sizes: number[] = [];
  for (const item of items) {
    const size = unit === 'tokens' ? tokensIn(item) : bytesIn(item);
    if (size === 0) return undefined;
    sizes.push(size);
  }
  return { items, sizes: { unit, sizes } };
}

function bytesIn(item: Node): number {
  return item.kind === 'string' ? Buffer.byteLength(item.value) : 0;
}

function tokensIn(item: Node): number {
  return item.kind === 'array' && item.items.every(isToken) ? item.items.length : 0;
}

function isToken(token: Node): boolean {
  return token.kind === 'number' && DIGITS.test(token.raw);
}

// Not `1.0` nor `1e3`, which servers read differently; and what fits a double exactly, as every token does.
const DIGITS = /^\d{1,15}$/;
