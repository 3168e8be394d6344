import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { toByteText } from '../../src/openai/byte-text.ts';
import { canonicalValue } from '../../src/openai/canonical.ts';
import { parseJson } from '../../src/openai/json.ts';
import { readString } from '../../src/openai/json-string.ts';
import { canonicalNumber } from '../../src/openai/number.ts';

// A failure prints the seed and path that find it again: pass them on as fc.assert's `seed` and `path`.
const seed = Number(process.env.SEED ?? Date.now() % 1_000_000_007);
console.log(`seed ${seed}`);

/** What may stand in a string and what may not, in lengths around the one at which another way of looking begins. */
const fragments = fc.constantFrom(
  ...['\\n', '\\"', '\\\\', '\\b', '\\f', '\\r', '\\t', '\\/', '\\u0041', '\\u00e9', '\\u00E9', '\\ud800'],
  ...['\\udc00', '\\u000a', '\\u001f', '\\u001F', '\\u12', '\\u12g4', '\\x', '\\', '"', '\n', '\u0000'],
  ...[
    '\u001f',
    '\u007f',
    '\u2028',
    'é',
    '😀',
    ...[1, 30, 31, 32, 33, 64].map((length) => 'x'.repeat(length)),
  ],
);
const contents = fc.array(fragments, { maxLength: 8 }).map((list) => list.join(''));

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

test('a string is what JSON.parse reads, and its JSON is what JSON.stringify writes, in a text and in its bytes', () => {
  fc.assert(
    fc.property(contents, fc.nat(40), fc.boolean(), (content, before, isBytes) => {
      const spelled = `${' '.repeat(before)}"${content}"`;
      const inBytes = (some: string) => (isBytes ? toByteText(some) : some);
      const text = inBytes(spelled);
      const read = readString({ text, spells: isBytes ? 'utf-8' : 'itself' }, before);
      const value = parsed(spelled);
      // What ends before its text does is a string with something behind it.
      const whole = read?.end === text.length ? read : undefined;
      assert.equal(whole?.value, value, text);
      if (whole === undefined) return;
      assert.equal(whole.json, inBytes(JSON.stringify(value)));
      assert.deepEqual([whole.start, whole.end], [before, text.length]);
    }),
    { seed, numRuns: 20_000 },
  );
});

test('the canonical form is the plain one: names sorted, nothing between', () => {
  const value = fc.jsonValue({ stringUnit: 'binary' });
  const wide = fc.dictionary(fc.string(), fc.integer(), { maxKeys: 40, noNullPrototype: true });
  fc.assert(
    fc.property(fc.oneof(value, wide), fc.nat(3), (one, indent) => {
      // Without raw lone surrogates, and with whatever spelling JSON.stringify chooses.
      const text = JSON.stringify(one, null, indent);
      const tree = parseJson(text);
      assert(tree.ok);
      assert.equal(canonicalValue(tree.root), plainly(JSON.parse(text)));
    }),
    { seed, numRuns: 5_000 },
  );
});

/** The canonical form, written the plainest way. */
function plainly(value: unknown): string {
  if (typeof value === 'number') return canonicalNumber(JSON.stringify(value));
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(plainly).join(',')}]`;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, inner]) => `${JSON.stringify(name)}:${plainly(inner)}`).join(',')}}`;
}
