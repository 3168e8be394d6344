import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Scopes } from '../../src/policy/scope.ts';

const scopes = new Scopes(Buffer.alloc(32, 7));
const scope = (headers: Record<string, string>, of = scopes) => of.of((name) => headers[name]);

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
  const made = callers.map((headers) => scope(headers));
  assert.equal(new Set(made).size, callers.length);
  assert.equal(made[0], 'anonymous');
  for (const text of made.slice(1)) assert.match(text, /^[\w-]{43}$/);
  assert.equal(scope({ authorization: 'Bearer a' }), made[1]);
  assert.equal(scope({ authorization: 'Bearer a', 'user-agent': 'x' }), made[1]);
  assert.notEqual(scope({ authorization: 'Bearer a' }, new Scopes(Buffer.alloc(32, 8))), made[1]);
});

it('of more credentials than it remembers each keeps its scope', () => {
  const first = scope({ authorization: 'Bearer first' });
  const seen = new Set<string>();
  for (let at = 0; at < 2_500; at += 1) seen.add(scope({ authorization: `Bearer ${at}` }));
  assert.equal(seen.size, 2_500);
  assert.equal(scope({ authorization: 'Bearer first' }), first);
});
