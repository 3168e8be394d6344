import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseStringList } from '../../src/policy/structured-list.ts';

test('the members of a list of strings, whatever their parameters', () => {
  for (const [field, members] of [
    ['', []],
    ['  ', []],
    ['"a"', ['a']],
    ['"a", "b"', ['a', 'b']],
    ['  "a"\t,\t"b"  ', ['a', 'b']],
    ['"with \\"quotes\\" and \\\\", ", ;=()"', ['with "quotes" and \\', ', ;=()']],
    ['"a";x;y=1;z=-1.5;*=tok/en:*;s="a,\\"";b=:YQ==:;t=?1;d=@1659578233;u=%"f%c3%bc", "b"; k', ['a', 'b']],
  ] as const) {
    assert.deepEqual(parseStringList(field), members, field);
  }
});

test('what is no list of strings is not half read', () => {
  for (const field of [
    'a',
    '1',
    '?1',
    ':YQ==:',
    '("a" "b")',
    '"a',
    '"a" "b"',
    '"a",',
    ',"a"',
    '"a",,"b"',
    '"a\\b"',
    '"ü"',
    '"a\u0000"',
    '\t"a"',
    '"a"\t',
    '"a";X=1',
    '"a";x=',
    '"a" ;x=1',
    '"a";x=1.2345',
    '"a";x=1234567890123456',
    '"a";x=:a b:',
    '"a", b',
  ]) {
    assert.equal(parseStringList(field), undefined, field);
  }
});

test('any strings come through as they are', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme-ascii' })), (members) => {
      const field = members.map((member) => `"${member.replaceAll(/["\\]/g, '\\$&')}"`).join(', ');
      assert.deepEqual(parseStringList(field), members);
    }),
  );
});

test('hostile fields are read in time in proportion to their length', () => {
  const started = performance.now();
  for (const field of [
    `"${'\\"'.repeat(100_000)}`,
    `"a"${';a'.repeat(100_000)}=`,
    `"a"${' '.repeat(200_000)}b`,
    `"a",${' '.repeat(200_000)}`,
    `${' '.repeat(200_000)}"`,
    `"a";a=%"${'%aa'.repeat(60_000)}`,
  ]) {
    assert.equal(parseStringList(field), undefined);
  }
  assert.ok(performance.now() - started < 2_000, `${performance.now() - started} ms`);
});
