import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createKeyring, type KeyContext } from '../../src/policy/key.ts';

const context: KeyContext = {
  type: 'llm_responses',
  namespace: '',
  scope: 'scope',
  variant: '',
  method: 'POST',
  baseUrl: 'https://api.openai.com/v1',
  dialect: 'openai',
  path: '/v1/chat/completions',
  query: '',
  headers: [],
};

function idOf(changes: Partial<KeyContext>, content = 'content'): string {
  return createKeyring({ ...context, ...changes })('label', content).id;
}

test('a key is a digest, shown after its type, namespace and label', () => {
  const key = createKeyring(context)('gpt-4o', 'content');
  assert.match(key.id, /^[\w-]{43}$/);
  assert.deepEqual(key, {
    id: key.id,
    shown: `llm_responses/default/gpt-4o/${key.id}`,
    type: 'llm_responses',
  });
  assert.equal(key.id, idOf({}));
});

test('everything that decides about an answer is in the key', () => {
  const ids = [
    idOf({}),
    idOf({}, 'other'),
    idOf({ type: 'search_results' }),
    idOf({ namespace: 'n' }),
    idOf({ scope: 's' }),
    idOf({ variant: '1' }),
    idOf({ method: 'GET' }),
    idOf({ baseUrl: 'https://api.openai.com/v2' }),
    idOf({ dialect: 'generic' }),
    idOf({ path: '/v1/completions' }),
    idOf({ query: 'beta=true' }),
    idOf({ headers: [['openai-beta', 'assistants=v2']] }),
  ];
  assert.equal(new Set(ids).size, ids.length);
});

test('no value can pass for a part of another', () => {
  const ids = [
    idOf({ namespace: 'ab', scope: 'c' }),
    idOf({ namespace: 'a', scope: 'bc' }),
    idOf({ path: '/a', query: 'b' }),
    idOf({ path: '/ab', query: '' }),
    idOf({ query: '["a","b"]' }),
    idOf({ headers: [['a', 'b']] }),
    idOf({
      headers: [
        ['a', ''],
        ['b', ''],
      ],
    }),
    idOf({ headers: [['ab', '']] }),
    idOf({ headers: [['a', 'b,c']] }),
    idOf({
      headers: [
        ['a', 'b'],
        ['a', 'c'],
      ],
    }),
    idOf({ variant: '1:2' }),
    idOf({ variant: '1', namespace: '2' }),
  ];
  assert.equal(new Set(ids).size, ids.length);
});

test('the default namespace is the one called default', () => {
  assert.equal(idOf({ namespace: '' }), idOf({ namespace: 'default' }));
});

test('segments are percent-encoded, never empty and of bounded length', () => {
  const keyring = createKeyring({ ...context, namespace: 'a/b' });
  const [type, namespace, label, id, ...rest] = keyring('org/model 1\r\n?é', 'content').shown.split('/');
  assert.deepEqual(
    [type, namespace, label, rest],
    ['llm_responses', 'a%2Fb', 'org%2Fmodel%201%0D%0A%3F%C3%A9', []],
  );
  assert.equal(id, keyring('', 'content').id, 'the label is only shown');
  for (const name of ['', '.', '..']) {
    const { shown } = keyring(name, 'content');
    assert.equal(shown.split('/')[2], '-');
    assert.equal(new URL(`http://x/${shown}`).pathname, `/${shown}`);
  }
  assert.equal(keyring('\ud800', 'content').shown.split('/')[2], '%EF%BF%BD');
  assert(keyring('😀'.repeat(1_000_000), 'content').shown.length < 2_000);
});
