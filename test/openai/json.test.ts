import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { fromByteText, toByteText } from '../../src/openai/byte-text.ts';
import { canonicalValue } from '../../src/openai/canonical.ts';
import { MAX_DEPTH, member, type Node, parseJson, textOf } from '../../src/openai/json.ts';

// A failure prints the seed and path that find it again: pass them on as fc.assert's `seed` and `path`.
const seed = Number(process.env.SEED ?? Date.now() % 1_000_000_007);
console.log(`seed ${seed}`);

function rootOf(text: string): Node {
  const parsed = parseJson(text);
  assert(parsed.ok, `${text} is JSON`);
  return parsed.root;
}

function problemOf(text: string): string {
  const parsed = parseJson(text);
  assert(!parsed.ok, `${text} is not taken`);
  return parsed.problem;
}

/** What JSON.parse makes of it. */
function plain(node: Node): unknown {
  switch (node.kind) {
    case 'object':
      return Object.fromEntries(node.members.map(({ key, value }) => [key, plain(value)]));
    case 'array':
      return node.items.map(plain);
    case 'number':
      return Number(node.raw);
    default:
      return node.value;
  }
}

/** Every node of a tree. */
function* nodesOf(node: Node): Generator<Node> {
  yield node;
  if (node.kind === 'array') for (const item of node.items) yield* nodesOf(item);
  if (node.kind === 'object') for (const { value } of node.members) yield* nodesOf(value);
}

test('a tree holds what JSON.parse finds, and each span is the text of its value', () => {
  fc.assert(
    fc.property(fc.json({ stringUnit: 'binary' }), fc.nat(3), (compact, indent) => {
      const text = JSON.stringify(JSON.parse(compact), null, indent);
      const root = rootOf(text);
      assert.deepEqual(plain(root), JSON.parse(text));
      for (const node of nodesOf(root)) {
        assert.deepEqual(plain(node), JSON.parse(text.slice(node.start, node.end)));
        if (node.kind === 'object') {
          for (const { key, name } of node.members) {
            assert(text.startsWith(JSON.stringify(key), name.start));
          }
        }
      }
    }),
    { seed },
  );
});

test('a tree of bytes holds the same, and each span spells the JSON of its value', () => {
  fc.assert(
    fc.property(fc.json({ stringUnit: 'binary' }), fc.nat(3), (compact, indent) => {
      const text = JSON.stringify(JSON.parse(compact), null, indent);
      const bytes = toByteText(text);
      const parsed = parseJson(bytes, undefined, 'utf-8');
      assert(parsed.ok);
      assert.deepEqual(plain(parsed.root), JSON.parse(text));
      assert.equal(canonicalValue(parsed.root), toByteText(canonicalValue(rootOf(text))));
      for (const node of nodesOf(parsed.root)) {
        const spelled = fromByteText(bytes.slice(node.start, node.end));
        assert.deepEqual(plain(node), JSON.parse(spelled));
        if (node.kind === 'object') {
          for (const { key, name } of node.members)
            assert.equal(fromByteText(name.json), JSON.stringify(key));
        }
      }
    }),
    { seed, numRuns: 1_000 },
  );
});

test('a text is JSON exactly if JSON.parse takes it', () => {
  const fragment = fc.constantFrom(
    ...['{', '}', '[', ']', ',', ':', '"', '"a"', '"b"', '\\', '\\u00', '1', '0', '-', '.', 'e', '+'],
    ...['true', 'null', 'nul', 'False', ' ', '\t', '\n', '\r', '\u00a0', '\ufeff', '\u0000', '/', "'"],
  );
  fc.assert(
    fc.property(fc.array(fragment, { maxLength: 8 }), (fragments) => {
      const text = fragments.join('');
      let accepted = true;
      try {
        JSON.parse(text);
      } catch (error) {
        assert(error instanceof SyntaxError);
        accepted = false;
      }
      const parsed = parseJson(text);
      assert.equal(parsed.ok || parsed.problem === 'duplicate-key', accepted, JSON.stringify(text));
    }),
    { seed, numRuns: 20_000 },
  );
});

test('numbers follow the grammar', () => {
  for (const text of [
    '0',
    '-0',
    '10',
    '1.5',
    '-0.0',
    '1e5',
    '1E+5',
    '1.25e-7',
    '123456789012345678901234567890',
  ]) {
    const node = rootOf(text);
    assert(node.kind === 'number');
    assert.equal(node.raw, text);
  }
  for (const text of [
    '-',
    '01',
    '-01',
    '1.',
    '.5',
    '1e',
    '1e+',
    '+1',
    '0x1',
    '1_0',
    'NaN',
    'Infinity',
    '--1',
    '1.e1',
  ]) {
    assert.equal(problemOf(text), 'body-not-json', text);
  }
});

test('strings are unescaped, and keep what only an escape can say', () => {
  assert.equal(textOf(rootOf(String.raw`"\"\\\/\b\f\n\r\t\u00e9\u20AC"`)), '"\\/\b\f\n\r\té€');
  assert.equal(textOf(rootOf(String.raw`"\ud83d\ude00"`)), '😀');
  assert.equal(textOf(rootOf(String.raw`"\ud800"`)), '\ud800');
  assert.equal(textOf(rootOf('"\u007f\u2028"')), '\u007f\u2028');
  for (const text of [
    String.raw`"\x41"`,
    String.raw`"\u12g4"`,
    String.raw`"\u12"`,
    '"\t"',
    '"\n"',
    '"open',
    '"\\"',
    "'a'",
  ]) {
    assert.equal(problemOf(text), 'body-not-json', text);
  }
  assert.equal(problemOf('"\ud800"'), 'body-not-json', 'a raw lone surrogate is not from UTF-8');
});

test('nothing stands before, after or between values', () => {
  for (const text of [
    '',
    ' ',
    '1 2',
    '{} x',
    '[1,]',
    '[,1]',
    '{"a":1,}',
    '{,}',
    '{"a" 1}',
    '{a:1}',
    '[1 2]',
    '/**/1',
  ]) {
    assert.equal(problemOf(text), 'body-not-json', text);
  }
  assert(isDeepStrictEqual(plain(rootOf(' \t\r\n{ "a" : [ 1 , 2 ] } \n')), { a: [1, 2] }));
});

test('a name that comes twice is found after unescaping, in small and large objects, at any depth', () => {
  assert.equal(problemOf('{"a":1,"a":1}'), 'duplicate-key');
  assert.equal(problemOf(String.raw`{"a":1,"\u0061":2}`), 'duplicate-key');
  assert.equal(problemOf('[{"b":{"a":1,"c":2,"a":3}}]'), 'duplicate-key');
  const many = Array.from({ length: 1_000 }, (_, index) => `"n${index}":${index}`);
  assert(parseJson(`{${many.join()}}`).ok);
  for (const repeated of [0, 11, 12, 999]) {
    assert.equal(problemOf(`{${[...many, `"n${repeated}":0`].join()}}`), 'duplicate-key');
  }
  assert(parseJson('[{"a":1},{"a":1}]').ok);
  assert(parseJson('{"__proto__":1,"constructor":2,"A":3,"a":4}').ok);
});

test('nesting has a limit, which hostile depth does not get past', () => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
  assert(parseJson(nested(MAX_DEPTH)).ok);
  assert.equal(problemOf(nested(MAX_DEPTH + 1)), 'too-deep');
  assert.equal(problemOf('{"a":'.repeat(MAX_DEPTH + 1)), 'too-deep');
  assert.equal(problemOf('['.repeat(1_000_000)), 'too-deep');
});

test('members are found in objects only', () => {
  const root = rootOf('{"a":{"b":"c"},"d":[1]}');
  assert.equal(textOf(member(member(root, 'a'), 'b')), 'c');
  assert.equal(member(member(root, 'd'), 'length'), undefined);
  assert.equal(member(root, 'toString'), undefined);
  assert.equal(member(undefined, 'a'), undefined);
});
