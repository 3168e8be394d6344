import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { choose } from '../../src/upstream/choose.ts';
import { answerHeaders, forwardHeaders, replayable } from '../../src/upstream/headers.ts';
import { join, joinBelow } from '../../src/upstream/target.ts';

describe('headers on their way', () => {
  it('upstream go the names and values as sent, without hop-by-hop ones, this hop’s own, and ours', () => {
    const raw = [
      'Host',
      'proxy',
      'Authorization',
      'Bearer x',
      'Connection',
      'keep-alive, X-Private',
      'X-Private',
      '1',
      'Transfer-Encoding',
      'chunked',
      'Content-Length',
      '3',
      'X-Cache-TTL',
      '5s',
      'x-cache-tags',
      'a',
      'Cache-Control',
      'no-cache',
      'Accept-Encoding',
      'br',
      'X-Twice',
      '1',
      'X-Twice',
      '2',
      'traceparent',
      't',
      'Expect',
      '100-continue',
    ];
    assert.deepEqual(forwardHeaders(raw, false), [
      'Authorization',
      'Bearer x',
      'Cache-Control',
      'no-cache',
      'Accept-Encoding',
      'br',
      'X-Twice',
      '1',
      'X-Twice',
      '2',
      'traceparent',
      't',
    ]);
    assert.deepEqual(forwardHeaders(raw, true).slice(-2), ['accept-encoding', 'identity']);
    assert.equal(forwardHeaders(raw, true).includes('br'), false);
  });

  it('to the caller goes all but hop-by-hop ones, those connection names, and CORS', () => {
    const headers = [
      ['connection', 'x-mine'],
      ['x-mine', '1'],
      ['keep-alive', '1'],
      ['access-control-allow-origin', '*'],
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
      ['x-request-id', 'r'],
      ['content-length', '3'],
    ] as const;
    assert.deepEqual(answerHeaders(headers), [
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
      ['x-request-id', 'r'],
      ['content-length', '3'],
    ]);
  });

  it('with an entry are kept only those on the list', () => {
    const headers = [
      ['content-type', 'a/b'],
      ['x-request-id', 'r'],
      ['openai-organization', 'o'],
      ['openai-version', 'v'],
      ['date', 'd'],
    ] as const;
    assert.deepEqual(replayable(headers), [
      ['content-type', 'a/b'],
      ['openai-version', 'v'],
    ]);
  });
});

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

describe('the choice of an upstream', () => {
  const offers = [
    { name: 'none' },
    { name: 'embedder', serves: ['embeddings'] },
    { name: 'local', models: ['local-*', '*-mini', 'a*b*c', 'exact'] },
  ];
  const chosen = (endpoint: string, model?: string) => choose(offers, endpoint, () => model)?.name;

  it('is the first whose serves and models fit', () => {
    assert.equal(chosen('embeddings', 'x'), 'embedder');
    for (const model of ['local-', 'local-x', 'gpt-mini', 'abc', 'aXbYbZc', 'exact'])
      assert.equal(chosen('chat', model), 'local', model);
    for (const model of ['xlocal-', 'gpt-minis', 'ab', 'acb', 'exactly', undefined])
      assert.equal(chosen('chat', model), undefined, String(model));
  });
});
