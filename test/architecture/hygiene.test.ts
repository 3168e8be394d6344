import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filesBelow, type SourceFile } from './source.ts';

const EVERYTHING = filesBelow('.');
const SOURCE = EVERYTHING.filter(({ path }) => /^src\/.*\.[jt]s$/.test(path));
const CODE = EVERYTHING.filter(({ path }) => /^(?:src|test)\/.*\.[jt]s$/.test(path));

test('no file of src is longer than 300 lines', () => {
  assert.ok(SOURCE.length > 100, `only ${SOURCE.length} files were found`);
  const long = SOURCE.map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }));
  assert.deepEqual(
    long.filter(({ lines }) => lines > 300),
    [],
  );
});

test('nothing in src gets around the type checker', () => {
  const evasions = [
    /[:<|&(,]\s*any\b\s*[,;)>|&=[\]]|\bas any\b/,
    /\bas unknown as\b/,
    // A non-null assertion: `a!.b`, `a[0]!`, `a!;`.
    /[\w)\]]!(?:[.;,)\][]|$)/,
    /@ts-(?:ignore|expect-error|nocheck)/,
  ];
  assert.deepEqual(hits(SOURCE, evasions), []);
});

test('nothing in src writes to the console or swallows an error without a word', () => {
  assert.deepEqual(hits(SOURCE, [/\bconsole\./, /\bcatch\s*(?:\([^)]*\)\s*)?\{\s*\}/]), []);
});

test('nothing is left to be done later, and no test is switched off', () => {
  assert.deepEqual(hits(CODE, [/\bTO[D]O\b/, /\bFI[X]ME\b/, /\bX[X]X\b/, /\bHA[C]K\b/]), []);
  const tests = CODE.filter(
    ({ path }) => path.endsWith('.test.ts') && path !== 'test/support/summary.test.ts',
  );
  assert.deepEqual(
    hits(tests, [/\b(?:skip|todo|only)\s*:\s*true\b/, /\b(?:test|it|suite|describe)\.(?:skip|todo|only)\b/]),
    [],
  );
});

// Brackets keep these patterns from finding themselves.
test('no file speaks of how the work on it is organised', () => {
  const words = [
    /\bCONTRAC[T]\.md\b|\bDESIG[N]\.md\b/,
    /\bissue[s]? (?:#|show|no\.? ?)?\d/i,
    /\b(?:this|later|next|previous|following|first|second) issu[e]\b/i,
    /\bsub-?agen[t]s?\b|\bmilestone[s]\b|\bsprint[s]\b|\bwork ?packag[e]/i,
    /\b(?:as|per|in) the brie[f]\b/i,
  ];
  assert.deepEqual(hits(EVERYTHING, words), []);
});

test('no file names a folder of the machine it was written on, or where packages are fetched from', () => {
  const places = [
    /(?<![\w.}$)])\/(?:wor[k]|hom[e]|roo[t]|User[s])\/\w/,
    /\bregistr[y]\.\w|\bartifactor[y]\b|\bverdacci[o]\b|\bnpmj[s]\.\w/i,
  ];
  assert.deepEqual(hits(EVERYTHING, places), []);
});

/** The lines that a pattern matches, as `path:line: text`. */
function hits(files: readonly SourceFile[], patterns: readonly RegExp[]): string[] {
  return files.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, index) => {
      return patterns.some((pattern) => pattern.test(line)) ? [`${path}:${index + 1}: ${line.trim()}`] : [];
    }),
  );
}
