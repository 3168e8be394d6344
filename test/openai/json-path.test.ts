import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileJsonPath } from '../../src/openai/json-path.ts';

test('a path selects what RFC 9535 says, in order', () => {
  const json = { id: 1n, hits: [{ id: 'a' }, { id: 'b', on: true }], __proto__: { id: 'never' } };
  const selected = (path: string) => compileJsonPath(path)?.values(json);
  assert.deepEqual(selected('$.id'), [1n]);
  assert.deepEqual(selected('$.hits[*].id'), ['a', 'b']);
  assert.deepEqual(selected('$.hits[?@.on == true].id'), ['b']);
  assert.deepEqual(selected('$..id'), [1n, 'a', 'b']);
  assert.deepEqual(selected('$.hits[-1].id'), ['b']);
  assert.deepEqual(selected('$.nothing.at.all'), []);
  assert.deepEqual(selected('$'), [json]);
});

test('what is no path, or needs a regular expression, is refused', () => {
  for (const text of [
    '',
    'id',
    '$.',
    '$[',
    '$.a[?',
    '/id',
    '$.a[?match(@.b, "(a+)+$")]',
    '$.a[?search(@.b, "x")]',
  ]) {
    assert.equal(compileJsonPath(text), undefined, text);
  }
  for (const text of ['$.a[?length(@.b) > 3]', '$.a[?count(@.*) == 1]', '$[?value(@.a) == 1]']) {
    assert.notEqual(compileJsonPath(text), undefined, text);
  }
});

test('whatever it is asked of, it never throws', () => {
  let deep: unknown = 1;
  for (let depth = 0; depth < 5_000; depth++) deep = [deep];
  for (const value of [undefined, null, 1, 'x', deep, new Map(), 1n]) {
    assert.ok(Array.isArray(compileJsonPath('$..id')?.values(value)));
  }
});
