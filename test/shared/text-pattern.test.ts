import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTextPattern } from '../../src/shared/text-pattern.ts';

const matches = (source: string, text: string) => [
  ...(parseTextPattern(source)?.matches(text) ?? assert.fail(source)),
];

test('all matches are found, with what each group took', () => {
  assert.deepEqual(matches('(SKU|EAN)-(\\d+)', 'SKU-12, EAN-7 sku-3 SKU-'), [
    ['SKU-12', 'SKU', '12'],
    ['EAN-7', 'EAN', '7'],
  ]);
  assert.deepEqual(matches('(a)|(?i)(B)', 'ab'), [
    ['a', 'a', undefined],
    ['b', undefined, 'b'],
  ]);
  assert.deepEqual(matches('größe-(\\w+)', 'größe-XL 😀 größe-S'), [
    ['größe-XL', 'XL'],
    ['größe-S', 'S'],
  ]);
  assert.equal(parseTextPattern('(a)(?:b)(?P<c>d)')?.groups, 2);
});

test('what is no pattern of RE2, matches nothing or is too large is refused', () => {
  for (const source of ['(', 'a**', 'a(?=b)', '(a)\\1', '', 'a*', '(x{1,1000}y{1,1000})', 'x'.repeat(1001)]) {
    assert.equal(parseTextPattern(source), undefined, source);
  }
});

test('patterns that make other engines hang take time in proportion to the text', () => {
  const started = performance.now();
  assert.deepEqual(matches('(a+)+$', `${'a'.repeat(200_000)}!`), []);
  assert.deepEqual(matches('^(\\w+\\s?)+$', `${'word '.repeat(40_000)}!`), []);
  assert.equal(matches('(x+x+)+y', 'x'.repeat(20_000)).length, 0);
  assert.ok(performance.now() - started < 3_000, `${performance.now() - started} ms`);
});
