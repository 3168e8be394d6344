import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseJson } from '../../src/openai/json.ts';
import { plainValue } from '../../src/openai/json-value.ts';

test('whole numbers that no double holds keep their digits, and all others are numbers', () => {
  assert.deepEqual(read('[9007199254740991,9007199254740992,-9007199254740993,12345678901234567890]'), [
    9_007_199_254_740_991,
    9_007_199_254_740_992n,
    -9_007_199_254_740_993n,
    12_345_678_901_234_567_890n,
  ]);
  assert.deepEqual(read('[1.0,1e3,1e400,0.1,-0]'), [1, 1000, Number.POSITIVE_INFINITY, 0.1, -0]);
});

test('a member of any name is the object’s own', () => {
  const value = read('{"__proto__":{"a":1},"constructor":2}');
  assert.deepEqual(Object.keys(Object(value)), ['__proto__', 'constructor']);
  assert.equal(Reflect.get(Object(value), 'a'), undefined);
});

test('any other JSON is what JSON.parse makes of it', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      const parsed: unknown = JSON.parse(text);
      const rounded = (_key: string, value: unknown) => (typeof value === 'bigint' ? Number(value) : value);
      assert.deepEqual(JSON.stringify(read(text), rounded), JSON.stringify(parsed));
    }),
  );
});

function read(text: string): unknown {
  const parsed = parseJson(text);
  if (!parsed.ok) throw new Error(parsed.problem);
  return plainValue(parsed.root);
}
