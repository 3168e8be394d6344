import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Usage } from '../../src/observe/events.ts';
import { LIST_PRICES } from '../../src/observe/list-prices.ts';
import { Prices } from '../../src/observe/prices.ts';

const usage = (more: Partial<Usage> = {}): Usage => ({
  model: undefined,
  promptTokens: 1_000_000,
  completionTokens: 1_000_000,
  cachedTokens: 0,
  cacheWriteTokens: 0,
  serviceTier: undefined,
  ...more,
});

test('a model has the price of the longest name that its own begins with', () => {
  const prices = new Prices(LIST_PRICES);
  const inputOf = (model: string) => prices.of(model)?.input;
  assert.equal(inputOf('gpt-4o'), 2.5);
  assert.equal(inputOf('gpt-4o-2024-08-06'), 2.5);
  assert.equal(inputOf('gpt-4o-mini-2024-07-18'), 0.15);
  assert.equal(inputOf('gpt-5-mini-2025-08-07'), 0.25);
  assert.equal(inputOf('openai/gpt-5-mini'), 0.25);
  assert.equal(inputOf('deepseek-chat'), 0.28);
});

test('what is no name of a model has no price, and is not looked at for long', () => {
  // Cut at each of its hyphens it would take minutes.
  assert.equal(new Prices(LIST_PRICES).of('-'.repeat(1_000_000)), undefined);
});

test('a name that only begins with the same letters is another model, and one without a price costs nothing that is known', () => {
  const prices = new Prices(LIST_PRICES);
  for (const model of ['gpt-4ox', 'gpt-50', 'qwen3', 'gpt', '', '-', 'toString']) {
    assert.equal(prices.of(model), undefined, model);
    assert.equal(prices.costOf(usage(), model), undefined);
  }
});

test('the profile counts before the list, also for names with a slash', () => {
  const own = new Map([
    ['gpt-4o', { input: 1, output: 1 }],
    ['azure/gpt-4o', { input: 7, output: 7 }],
    ['qwen3', { input: 0, output: 0 }],
  ]);
  const prices = new Prices(LIST_PRICES, own);
  assert.equal(prices.of('gpt-4o-2024-08-06')?.input, 1);
  assert.equal(prices.of('azure/gpt-4o')?.input, 7);
  assert.equal(prices.costOf(usage(), 'qwen3-32b'), 0);
});

test('cached and written tokens, tiers and calls have prices of their own', () => {
  const table = new Map([
    ['m', { input: 2, cachedInput: 0.5, cacheWrite: 3, output: 8 }],
    ['r', { input: 0, output: 0, perQuery: 0.002 }],
    ['plain', { input: 2, output: 8 }],
  ]);
  const prices = new Prices(table);
  assert.equal(prices.costOf(usage(), 'm'), 10);
  assert.equal(prices.costOf(usage({ cachedTokens: 400_000 }), 'm'), 0.6 * 2 + 0.4 * 0.5 + 8);
  assert.equal(prices.costOf(usage({ cacheWriteTokens: 1_000_000 }), 'm'), 3 + 8);
  assert.equal(prices.costOf(usage({ cachedTokens: 400_000 }), 'plain'), 10);
  assert.equal(prices.costOf(usage({ serviceTier: 'flex' }), 'm'), 5);
  assert.equal(prices.costOf(usage({ serviceTier: 'priority' }), 'm'), 20);
  assert.equal(prices.costOf(undefined, 'r'), 0.002);
  assert.equal(prices.costOf(undefined, 'm'), undefined);
});

test('the model that answered counts before the one that was asked', () => {
  const prices = new Prices(LIST_PRICES);
  assert.equal(prices.costOf(usage({ model: 'gpt-4o-mini-2024-07-18' }), 'my-deployment'), 0.75);
  assert.equal(prices.costOf(usage({ model: 'my-model' }), 'gpt-4o-mini'), 0.75);
});
