import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../src/demo/random.ts';
import { outcomeOf } from '../../src/openai/outcome.ts';
import { apportion, promptTokens } from '../../src/openai/usage.ts';
import { between } from '../support/embeddings.ts';

describe('prompt tokens', () => {
  it('of one item are the upstream’s own figure', () => {
    assert.deepEqual(apportion(7, { unit: 'bytes', sizes: [40] }), [{ tokens: 7, estimated: false }]);
  });

  it('of token arrays are their lengths where those add up to the upstream’s figure', () => {
    const shares = apportion(6, { unit: 'tokens', sizes: [1, 3, 2] });
    assert.deepEqual(
      shares,
      [1, 3, 2].map((tokens) => ({ tokens, estimated: false })),
    );
  });

  it('of token arrays are estimated where the upstream counted others', () => {
    const shares = apportion(9, { unit: 'tokens', sizes: [1, 3, 2] });
    assert.deepEqual(
      shares.map(({ tokens }) => tokens),
      [2, 4, 3],
    );
    assert.ok(shares.every(({ estimated }) => estimated));
  });

  it('of texts go by their length, the largest remainder first', () => {
    const shares = apportion(10, { unit: 'bytes', sizes: [10, 10, 13] });
    assert.deepEqual(
      shares,
      [3, 3, 4].map((tokens) => ({ tokens, estimated: true })),
    );
  });

  it('always add up to the upstream’s figure, and no share is a token off its proportion', (context) => {
    const seed = Date.now() >>> 0;
    context.diagnostic(`seed ${seed}`);
    const random = seededRandom(seed);
    for (let round = 0; round < 2_000; round += 1) {
      const sizes = Array.from({ length: between(random, 1, 40) }, () => between(random, 1, 30_000));
      const total = between(random, 0, 300_000);
      const sum = sizes.reduce((left, right) => left + right);
      const shares = apportion(total, { unit: 'bytes', sizes });
      assert.equal(
        shares.reduce((left, { tokens }) => left + tokens, 0),
        total,
      );
      for (const [index, { tokens }] of shares.entries()) {
        assert.ok(Math.abs(tokens - (total * (sizes[index] ?? 0)) / sum) < 1);
      }
    }
  });
});

describe('the usage of an answer', () => {
  it('is its prompt_tokens', () => assert.equal(promptTokens({ prompt_tokens: 12, total_tokens: 12 }), 12));

  for (const usage of [
    undefined,
    null,
    3,
    {},
    { prompt_tokens: -1 },
    { prompt_tokens: 1.5 },
    { prompt_tokens: '3' },
    { prompt_tokens: 1e12 },
  ]) {
    it(`is unknown where it says ${JSON.stringify(usage)}`, () =>
      assert.equal(promptTokens(usage), undefined));
  }
});

it('an answer that says a number of tokens that cannot be says none', () => {
  const factsOf = (tokens: string) => {
    const usage = `{"prompt_tokens":7,"completion_tokens":${tokens}}`;
    const outcome = outcomeOf(Buffer.from(`{"choices":[],"usage":${usage}}`));
    return typeof outcome === 'string' ? outcome : outcome.facts;
  };
  assert.deepEqual(factsOf('9'), { prompt_tokens: 7, completion_tokens: 9, has_usage: true });
  for (const tokens of ['1e308', '-1', '1.5', '50000001'])
    assert.deepEqual(factsOf(tokens), { prompt_tokens: 7, has_usage: true }, tokens);
});
