import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { choose } from '../../src/upstream/choose.ts';

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
