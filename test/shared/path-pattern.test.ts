import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  comparePatterns,
  fillPath,
  formatPattern,
  matchPath,
  mustParsePattern,
  parsePattern,
  variablesOf,
} from '../../src/shared/path-pattern.ts';

const match = (pattern: string, path: string) => {
  const variables = matchPath(mustParsePattern(pattern), path);
  return variables && Object.fromEntries(variables);
};

describe('path patterns', () => {
  it('have literal segments and variables, each a whole segment', () => {
    assert.deepEqual(parsePattern('/products/{id}'), [{ literal: 'products' }, { variable: 'id' }]);
    assert.deepEqual(parsePattern('/'), [{ literal: '' }]);
    assert.deepEqual(parsePattern('/a/'), [{ literal: 'a' }, { literal: '' }]);
    assert.deepEqual(parsePattern("/a%2Fb/~!$&'()*+,;=:@-._"), [
      { literal: 'a%2Fb' },
      { literal: "~!$&'()*+,;=:@-._" },
    ]);
    assert.deepEqual(variablesOf(mustParsePattern('/{b}/x/{a_1}')), ['b', 'a_1']);
  });

  for (const pattern of [
    ...[
      '',
      'products',
      '//',
      '/a//b',
      '/.',
      '/a/..',
      '/a/../b',
      '/a b',
      '/é',
      '/a?b',
      '/a#b',
      '/a\\b',
      '/%2',
      '/%zz',
    ],
    ...['/{id', '/id}', '/{}', '/{1}', '/{a-b}', '/x{id}', '/{id}.json', '/{a}{b}', '/{a}/{a}', '/{a}/b/{a}'],
  ]) {
    it(`${JSON.stringify(pattern)} is none`, () => {
      assert.equal(parsePattern(pattern), undefined);
      assert.throws(() => mustParsePattern(pattern), /is no path pattern/);
    });
  }

  it('match whole paths, byte for byte, and decode their variables', () => {
    assert.deepEqual(match('/products/{id}', '/products/42'), { id: '42' });
    assert.deepEqual(match('/products/{id}', '/products/a%2Fb%20%C3%A9'), { id: 'a/b é' });
    assert.deepEqual(
      match('/{a}/{b}', '/__proto__/constructor'),
      JSON.parse('{"a":"__proto__","b":"constructor"}'),
    );
    assert.deepEqual(match('/a/', '/a/'), {});
    assert.deepEqual(match('/', '/'), {});
  });

  for (const [pattern, path] of [
    ['/products/{id}', '/products'],
    ['/products/{id}', '/products/'],
    ['/products/{id}', '/products/1/2'],
    ['/products/{id}', '/Products/1'],
    ['/products/{id}', '/product%73/1'],
    ['/products/{id}', '/products/%ff'],
    ['/products/{id}', '/products/%'],
    ['/a', '/a/'],
    ['/a/', '/a'],
    ['/', '/a'],
  ] as const) {
    it(`${pattern} does not match ${path}`, () => assert.equal(match(pattern, path), undefined));
  }

  it('are filled with what they matched, encoded again', () => {
    const target = mustParsePattern('/v2/{id}/of/{shop}');
    const found = matchPath(mustParsePattern('/{shop}/{id}'), '/a%3Fb%23/x%2F..%2F%5Cy%25');
    assert(found);
    assert.equal(fillPath(target, found), '/v2/x%2F..%2F%5Cy%25/of/a%3Fb%23');
    for (const path of ['/1/2', '/%C3%A9/%F0%9F%98%80', '/a%2Fb/%2520']) {
      const pattern = mustParsePattern('/{a}/{b}');
      assert.equal(fillPath(pattern, matchPath(pattern, path) ?? new Map()), path);
    }
  });
});

describe('two path patterns', () => {
  for (const [one, other, relation] of [
    ['/a/{x}', '/b/{x}', 'apart'],
    ['/a', '/a/{x}', 'apart'],
    ['/a/', '/a', 'apart'],
    ['/{x}/a', '/{x}/b', 'apart'],
    ['/a/{x}', '/a/b', 'ordered'],
    ['/{x}/{y}', '/a/{y}', 'ordered'],
    ['/{x}/{y}', '/a/b', 'ordered'],
    ['/a/{x}', '/{x}/b', 'ambiguous'],
    ['/a/{x}', '/a/{y}', 'ambiguous'],
    ['/a', '/a', 'ambiguous'],
    ['/{x}', '/{y}', 'ambiguous'],
  ] as const) {
    it(`${one} and ${other} are ${relation}, whichever comes first`, () => {
      assert.equal(comparePatterns(mustParsePattern(one), mustParsePattern(other)), relation);
      assert.equal(comparePatterns(mustParsePattern(other), mustParsePattern(one)), relation);
    });
  }
});

it('a pattern is shown as it was written', () => {
  for (const pattern of ['/', '/v1/models/{model}', '/a/{b}/c/']) {
    assert.equal(formatPattern(mustParsePattern(pattern)), pattern);
  }
});
