import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readText } from '../../src/config/profile-text.ts';
import { plain } from '../../src/config/tree.ts';
import { folderWith, linesOf, load } from './support.ts';

const HOSTILE: readonly (readonly [title: string, source: string | Buffer, first: RegExp])[] = [
  [
    'a tab',
    'server:\n\tport: 1\n',
    /^p\.yaml:2: got no valid YAML \(Tabs are not allowed as indentation\), expected one document/,
  ],
  [
    'a second document',
    'server: {}\n---\nmemory: {}\n',
    /^p\.yaml:2: got a second document, expected one document of YAML 1\.2$/,
  ],
  ['an unclosed map', 'server: { port: 1\n', /^p\.yaml:\d: got no valid YAML/],
  ['an unknown tag', 'server: !shell "rm"\n', /^p\.yaml:1: got no valid YAML \(Unresolved tag: !shell\)/],
  [
    'an unknown alias',
    'server: *nothing\n',
    /^p\.yaml:1: server: got the alias \*nothing, expected an alias of something that ends before it$/,
  ],
  ['a list', '- a\n', /^p\.yaml:1: got a list, expected a map of settings$/],
  ['a scalar', 'hello\n', /^p\.yaml:1: got a scalar, expected a map of settings$/],
  ['bytes', Buffer.from([0xff, 0xfe, 0x00, 0x61]), /^p\.yaml:1: got a scalar/],
  ['a key that is a list', '? [a]\n: b\n', /^p\.yaml:1: got no valid YAML/],
  ['a key without text', '~: b\n', /^p\.yaml:1: \["~"\]: got an unknown key/],
  ['a merge key', '<<: { log: {} }\n', /^p\.yaml:1: \["<<"\]: got an unknown key/],
  ['a control character', 'a: "\\x1b[2J"\n"\\e[1m": 1\n', /^p\.yaml:1: a: got an unknown key/],
  [
    'aliases that multiply',
    bomb(),
    /^p\.yaml:\d: \w\[\d\]: got too much, expected at most 16 levels and 10000 values$/,
  ],
  [
    'an alias inside itself',
    'log: &a\n  level: *a\n',
    /^p\.yaml:2: log\.level: got the alias \*a, expected an alias of/,
  ],
  ['many levels', `a: ${'['.repeat(40)}${']'.repeat(40)}\n`, /^p\.yaml:1: a(\[0\])+: got too much/],
  ['very many levels', `a: ${'['.repeat(20_000)}\n`, /^p\.yaml:1: got no valid YAML/],
  ['very many values', `a: [${'x,'.repeat(20_000)}]\n`, /^p\.yaml:1: a\[\d+\]: got too much/],
  [
    'a huge file',
    `a: ${'x'.repeat(1_000_000)}\n`,
    /^--profile: got "p\.yaml", expected a file that can be read, of at most 1MB$/,
  ],
];

for (const [title, source, first] of HOSTILE) {
  test(`a hostile profile is refused in a line: ${title}`, () => {
    const started = performance.now();
    const lines = linesOf(load(folderWith({ 'p.yaml': source }), { profile: 'p.yaml' }));
    assert.match(lines[0] ?? 'no mistake', first);
    for (const line of lines) assert.match(line, /^[^\p{Cc}]{1,600}$/u);
    // What multiplies would never end.
    assert.ok(performance.now() - started < 15_000);
  });
}

test('an empty profile says nothing', () => {
  for (const source of ['', '# only a comment\n', '---\n']) {
    assert.deepEqual(linesOf(load(folderWith({ 'p.yaml': source }), { profile: 'p.yaml' })), [], source);
  }
});

test('an alias stands for what its anchor names', () => {
  const { tree, problems } = readText(
    'a: &x { b: [1, &y two] }\nc: *x\nd: [*y, *x]\n',
    (line) => `${line}`,
    {},
  );
  assert.deepEqual(problems, []);
  assert.deepEqual(plain(tree), {
    a: { b: [1, 'two'] },
    c: { b: [1, 'two'] },
    d: ['two', { b: [1, 'two'] }],
  });
});

test('values are read by the core schema of YAML 1.2', () => {
  const { tree } = readText(
    'a: no\nb: 0x10\nc: true\nd: 2026-01-01\ne: 12e3\n1: ~\n',
    (line) => `${line}`,
    {},
  );
  assert.deepEqual(plain(tree), { a: 'no', b: 16, c: true, d: '2026-01-01', e: 12_000, 1: null });
});

/** The "billion laughs": each line stands for nine times the one before. */
function bomb(): string {
  const lines = ['a: &a [x, x, x, x, x, x, x, x, x]'];
  for (const [before, name] of ['ab', 'bc', 'cd', 'de', 'ef', 'fg', 'gh', 'hi']) {
    lines.push(`${name}: &${name} [${Array(9).fill(`*${before}`).join(', ')}]`);
  }
  return `${lines.join('\n')}\n`;
}
