import assert from 'node:assert/strict';
import { it } from 'node:test';
import { scopeOf } from '../../src/policy/scope.ts';

const SECRET = Buffer.alloc(32, 7);
const scope = (headers: Record<string, string>, secret = SECRET) => scopeOf(secret, (name) => headers[name]);

it('a scope tells credentials, organizations and projects apart, and nothing of them', () => {
  const callers = [
    {},
    { authorization: 'Bearer a' },
    { authorization: 'Bearer b' },
    { 'api-key': 'Bearer a' },
    { 'x-api-key': 'Bearer a' },
    { authorization: 'Bearer a', 'openai-organization': 'o' },
    { authorization: 'Bearer a', 'openai-project': 'o' },
    { authorization: '["Bearer a"' },
  ];
  const scopes = callers.map((headers) => scope(headers));
  assert.equal(new Set(scopes).size, callers.length);
  assert.equal(scopes[0], 'anonymous');
  for (const text of scopes.slice(1)) assert.match(text, /^[\w-]{43}$/);
  assert.equal(scope({ authorization: 'Bearer a' }), scopes[1]);
  assert.equal(scope({ authorization: 'Bearer a', 'user-agent': 'x' }), scopes[1]);
  assert.notEqual(scope({ authorization: 'Bearer a' }, Buffer.alloc(32, 8)), scopes[1]);
});
