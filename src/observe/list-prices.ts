import type { Price } from './prices.ts';

/**
 * List prices in USD per million tokens, by model. Facts from the providers' price pages, and those of 2026-08-01 from LiteLLM's
 * model_prices_and_context_window.json (MIT, Copyright (c) 2023 Berri AI).
 */
export const LIST_PRICES: ReadonlyMap<string, Price> = new Map<string, Price>([
  // As of 2026-08-01.
  ['gpt-5.6-terra', { input: 2, cachedInput: 0.2, cacheWrite: 2.5, output: 12 }],
  ['gpt-5.6-luna', { input: 0.2, cachedInput: 0.02, cacheWrite: 0.25, output: 1.2 }],
  ['gpt-5.5', { input: 5, cachedInput: 0.5, output: 30 }],
  ['gpt-5.5-pro', { input: 30, cachedInput: 3, output: 180 }],
  ['gpt-5.4', { input: 2.5, cachedInput: 0.25, output: 15 }],
  ['gpt-5.4-pro', { input: 30, cachedInput: 3, output: 180 }],
  ['gpt-5.4-mini', { input: 0.75, cachedInput: 0.075, output: 4.5 }],
  ['gpt-5.4-nano', { input: 0.2, cachedInput: 0.02, output: 1.25 }],
  ['gpt-5.2', { input: 1.75, cachedInput: 0.175, output: 14 }],
  ['gpt-5.2-pro', { input: 21, output: 168 }],
  ['gpt-5.1', { input: 1.25, cachedInput: 0.125, output: 10 }],
  ['gpt-5', { input: 1.25, cachedInput: 0.125, output: 10 }],
  ['gpt-5-mini', { input: 0.25, cachedInput: 0.025, output: 2 }],
  ['gpt-5-nano', { input: 0.05, cachedInput: 0.005, output: 0.4 }],
  ['gpt-5-pro', { input: 15, output: 120 }],
  ['gpt-4.1', { input: 2, cachedInput: 0.5, output: 8 }],
  ['gpt-4.1-mini', { input: 0.4, cachedInput: 0.1, output: 1.6 }],
  ['gpt-4.1-nano', { input: 0.1, cachedInput: 0.025, output: 0.4 }],
  ['gpt-4o', { input: 2.5, cachedInput: 1.25, output: 10 }],
  ['gpt-4o-mini', { input: 0.15, cachedInput: 0.075, output: 0.6 }],
  ['o1', { input: 15, cachedInput: 7.5, output: 60 }],
  ['o3', { input: 2, cachedInput: 0.5, output: 8 }],
  ['o3-pro', { input: 20, output: 80 }],
  ['o3-mini', { input: 1.1, cachedInput: 0.55, output: 4.4 }],
  ['o4-mini', { input: 1.1, cachedInput: 0.275, output: 4.4 }],
  ['gpt-4-turbo', { input: 10, output: 30 }],
  ['gpt-4', { input: 30, output: 60 }],
  ['gpt-3.5-turbo', { input: 0.5, output: 1.5 }],
  ['gpt-3.5-turbo-instruct', { input: 1.5, output: 2 }],
  ['davinci-002', { input: 2, output: 2 }],
  ['babbage-002', { input: 0.4, output: 0.4 }],
  ['text-embedding-3-small', { input: 0.02, output: 0 }],
  ['text-embedding-3-large', { input: 0.13, output: 0 }],
  ['text-embedding-ada-002', { input: 0.1, output: 0 }],
  ['omni-moderation-latest', { input: 0, output: 0 }],
  ['rerank-v3.5', { input: 0, output: 0, perQuery: 0.002 }],
  ['embed-v4.0', { input: 0.12, output: 0 }],
  ['embed-english-v3.0', { input: 0.1, output: 0 }],
  ['embed-multilingual-v3.0', { input: 0.1, output: 0 }],
  ['deepseek-chat', { input: 0.28, cachedInput: 0.028, output: 0.42 }],
  ['claude-opus-5', { input: 5, cachedInput: 0.5, cacheWrite: 6.25, output: 25 }],
  ['claude-sonnet-5', { input: 2, cachedInput: 0.2, cacheWrite: 2.5, output: 10 }],
  ['claude-haiku-4-5', { input: 1, cachedInput: 0.1, cacheWrite: 1.25, output: 5 }],
  ['gemini-2.5-pro', { input: 1.25, cachedInput: 0.125, output: 10 }],
  ['gemini-2.5-flash', { input: 0.3, cachedInput: 0.03, output: 2.5 }],
  ['gemini-embedding-001', { input: 0.15, output: 0 }],
  ['mistral-embed', { input: 0.1, output: 0 }],
  ['mistral-large-latest', { input: 0.5, output: 1.5 }],
  ['voyage-3.5', { input: 0.06, output: 0 }],
  ['rerank-2.5', { input: 0.05, output: 0 }],
  ['llama-3.3-70b-versatile', { input: 0.59, output: 0.79 }],
  // As of 2026-08-21.
  ['gpt-5.6-sol', { input: 4, cachedInput: 0.4, cacheWrite: 5, output: 20 }],
  // As of 2026-09-03.
  ['gpt-6-astra', { input: 10, cachedInput: 1, cacheWrite: 12.5, output: 50 }],
  // As of 2026-09-22.
  ['gpt-6-sol', { input: 2, cachedInput: 0.2, cacheWrite: 2.5, output: 10 }],
  ['gpt-6-luna', { input: 0.1, cachedInput: 0.01, cacheWrite: 0.125, output: 0.5 }],
  // As of 2026-10-13.
  ['gpt-6.1-sol', { input: 2, cachedInput: 0.1, cacheWrite: 2.5, output: 10 }],
  // As of 2026-11.
  ['gpt-6.2-sol', { input: 2, cachedInput: 0.1, cacheWrite: 2.5, output: 10 }],
  ['gpt-6.1-terra', { input: 1, output: 5 }],
  // As of 2026-11-18.
  ['gpt-6.2-astra', { input: 8, cachedInput: 0.4, output: 40 }],
]);
