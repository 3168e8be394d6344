import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseGlob } from '../../src/shared/glob.ts';

function matches(pattern: string, text: string): boolean {
  const glob = parseGlob(pattern);
  assert.ok(glob !== undefined, pattern);
  return glob(text);
}

for (const [pattern, text, expected] of [
  ['a/b', 'a/b', true],
  ['a/b', 'a/bc', false],
  ['a/b', 'xa/b', false],
  ['', '', true],
  ['', 'a', false],
  ['a/*', 'a/', true],
  ['a/*', 'a/bcd', true],
  ['a/*', 'a/b/c', false],
  ['a/*/c', 'a/b/c', true],
  ['a/*b*c', 'a/xbybzc', true],
  ['a/*b*c', 'a/xbyb/c', false],
  ['a/?', 'a/b', true],
  ['a/?', 'a/', false],
  ['a/?', 'a//', false],
  ['a?b', 'a/b', false],
  ['?', '𝄞', true],
  ['a/**', 'a/b/c/d', true],
  ['**/d', 'a/b/c/d', true],
  ['a**d', 'ad', true],
  ['a/**/d', 'a/d', false],
  ['{a,b}/c', 'b/c', true],
  ['{a,b}/c', 'c/c', false],
  ['x{,y}', 'x', true],
  ['x{,y}', 'xy', true],
  ['{*.js,?}{1,2}', 'a.js2', true],
  ['{a/*,b/**}', 'b/c/d', true],
  ['{a/*,b/**}', 'a/c/d', false],
  ['a.c', 'abc', false],
  ['a+', 'a+', true],
  ['a,b', 'a,b', true],
  ['\\*', '\\x', true],
] as const) {
  test(`${JSON.stringify(pattern)} ${expected ? 'matches' : 'does not match'} ${JSON.stringify(text)}`, () => {
    assert.equal(matches(pattern, text), expected);
  });
}

test('what is no pattern is not taken', () => {
  for (const wrong of ['{a', 'a}', '{a,{b,c}}', '}{', 'x'.repeat(513), `{${','.repeat(64)}}`]) {
    assert.equal(parseGlob(wrong), undefined, wrong);
  }
  assert.ok(parseGlob('x'.repeat(512)) && parseGlob(`{${','.repeat(63)}}`));
});

test('it says what a regular expression of the same meaning says', () => {
  const piece = fc.constantFrom('a', 'b', '/', '*', '?', '**', '{a,b/}', '{,a*}', '{b?,**/a}');
  const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join('')),
      fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 12 }),
      (pattern, text) => assert.equal(matches(pattern, text), regExpOf(pattern).test(text)),
    ),
    { seed, numRuns: 3000 },
  );
});

test('a text of any length takes time in proportion, whatever the pattern', () => {
  const glob = parseGlob('*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b');
  const steps = (length: number) => {
    const began = process.cpuUsage().user;
    assert.equal(glob?.('a'.repeat(length)), false);
    return process.cpuUsage().user - began;
  };
  steps(2_000);
  // A backtracking engine does not end at all; a quadratic one takes a hundred times as long.
  assert.ok(steps(20_000) < 40 * Math.max(1_000, steps(2_000)));
});

function regExpOf(pattern: string): RegExp {
  const source = pattern.replaceAll(/\*\*|[*?{},]/g, (sign) => SOURCES[sign] ?? sign);
  return new RegExp(`^(?:${source})$`, 's');
}

const SOURCES: Readonly<Record<string, string>> = {
  '**': '.*',
  '*': '[^/]*',
  '?': '[^/]',
  '{': '(?:',
  '}': ')',
  ',': '|',
};
