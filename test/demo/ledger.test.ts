import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ledger } from '../../src/demo/ledger.ts';

test('it knows by their keys the entries that speak of an article, each of its kind', () => {
  const ledger = new Ledger();
  const call = { cache: 'HIT', ms: 1, usd: 0 };
  ledger.record({ ...call, kind: 'search', key: 's', about: ['a', 'b'] });
  ledger.record({ ...call, kind: 'chat', key: 'c', about: ['a'] });
  ledger.record({ ...call, kind: 'chat', key: 'c', about: ['b'] });
  ledger.record({ ...call, kind: 'chat', key: null, about: ['a'] });
  ledger.record({ ...call, kind: 'embeddings', key: 'e', about: [] });
  assert.deepEqual([...ledger.about('a')], ['s', 'c']);
  assert.deepEqual([...ledger.about('b')], ['s', 'c']);
  assert.deepEqual([...ledger.about('nothing')], []);
  assert.deepEqual(
    ['s', 'c', 'e', 'x'].map((key) => ledger.kindOf(key)),
    ['search', 'chat', 'embeddings', undefined],
  );
});
