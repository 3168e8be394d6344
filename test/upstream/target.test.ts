import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { join, joinBelow } from '../../src/upstream/target.ts';

describe('targets', () => {
  for (const [base, path, query, there] of [
    ['https://api.openai.com/v1', '/v1/chat/completions', '', '/v1/chat/completions'],
    ['https://host/openai/v1', '/v1/models', 'a=%2F', '/openai/v1/models?a=%2F'],
    ['https://host', '/v1/models', '', '/models'],
    ['https://host', '/v1', '', '/'],
    ['https://host/x/v1', '/openai/deployments/d', 'q', '/openai/deployments/d?q'],
    ['https://host/x/v1', '/v1/a%20b', '', '/x/v1/a%20b'],
  ] as const) {
    it(`${path} at ${base} is ${there}`, () => assert.equal(join(base, path, query), there));
  }

  it("a route's path goes below the base URL's own", () => {
    assert.equal(joinBelow('http://shop/api', '/products/7', 'x=1'), '/api/products/7?x=1');
    assert.equal(joinBelow('http://shop', '/products/7', ''), '/products/7');
  });
});
