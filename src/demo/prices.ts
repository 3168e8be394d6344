/** The model whose part the stand-in plays in chat. */
export const CHAT_MODEL = 'gpt-5.4-mini';
/** The model whose part the stand-in plays for embeddings. */
export const EMBEDDING_MODEL = 'text-embedding-3-small';

/** USD per million tokens. */
export interface Price {
  readonly input: number;
  readonly output: number;
}

/** When the prices below held. */
export const PRICES_AS_OF = '2026-08-01';

/** List prices, from LiteLLM's model_prices_and_context_window.json (MIT) of {@link PRICES_AS_OF}. */
export const PRICES: ReadonlyMap<string, Price> = new Map([
  [CHAT_MODEL, { input: 0.75, output: 4.5 }],
  [EMBEDDING_MODEL, { input: 0.02, output: 0 }],
]);

/** What a call to `model` costs, in USD; nothing for a model without a price. */
export function costOf(model: string, promptTokens: number, completionTokens = 0): number {
  const price = PRICES.get(model);
  if (price === undefined) return 0;
  return (promptTokens * price.input + completionTokens * price.output) / 1_000_000;
}
