import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { member, type ObjectNode, parseJson } from '../../src/openai/json.ts';
import {
  type Change,
  changeMembers,
  removeMember,
  replaceValue,
  setMember,
  splice,
} from '../../src/openai/splice.ts';

// A failure prints the seed and path that find it again: pass them on as fc.assert's `seed` and `path`.
const seed = Number(process.env.SEED ?? Date.now() % 1_000_000_007);
console.log(`seed ${seed}`);

function rootOf(text: string): ObjectNode {
  const parsed = parseJson(text);
  assert(parsed.ok && parsed.root.kind === 'object', text);
  return parsed.root;
}

test('edits are made in the order of the text, and what is outside them stays', () => {
  const edits = [
    { start: 4, end: 5, text: 'E' },
    { start: 1, end: 2, text: '' },
    { start: 1, end: 1, text: '<>' },
  ];
  assert.equal(splice('abcdef', edits), 'a<>cdEf');
  assert.throws(
    () =>
      splice('abcdef', [
        { start: 0, end: 3, text: '' },
        { start: 2, end: 4, text: '' },
      ]),
    RangeError,
  );
});

test('a member is replaced in place, byte for byte around it', () => {
  const text = '{ "b" : 1.0,\n "stream_options" : { "include_usage":false , "x":"\\u00e9" } }';
  assert.equal(
    setMember(text, rootOf(text), ['stream_options', 'include_usage'], 'true'),
    '{ "b" : 1.0,\n "stream_options" : { "include_usage":true , "x":"\\u00e9" } }',
  );
});

test('objects on the way are made where there are none, and null is none', () => {
  const set = (text: string) => setMember(text, rootOf(text), ['stream_options', 'include_usage'], 'true');
  assert.equal(set('{}'), '{"stream_options":{"include_usage":true}}');
  assert.equal(set('{"a":1}'), '{"stream_options":{"include_usage":true},"a":1}');
  assert.equal(set('{"stream_options":null}'), '{"stream_options":{"include_usage":true}}');
  assert.equal(set('{"stream_options":{}}'), '{"stream_options":{"include_usage":true}}');
  assert.equal(set('{"stream_options": { "x":1 } }'), '{"stream_options": {"include_usage":true, "x":1 } }');
});

test('a removed member takes one comma with it', () => {
  const remove = (text: string, ...path: string[]) => removeMember(text, rootOf(text), path);
  assert.equal(remove('{ "a":1, "b":2, "c":3 }', 'a'), '{ "b":2, "c":3 }');
  assert.equal(remove('{ "a":1, "b":2, "c":3 }', 'b'), '{ "a":1, "c":3 }');
  assert.equal(remove('{ "a":1, "b":2, "c":3 }', 'c'), '{ "a":1, "b":2 }');
  assert.equal(remove('{"a":1}', 'a'), '{}');
  assert.equal(
    remove('{"metadata":{"cache_tags":"x","y":"z"}}', 'metadata', 'cache_tags'),
    '{"metadata":{"y":"z"}}',
  );
  for (const text of ['{"a":1}', '{"metadata":null}', '{"metadata":"x"}', '{"metadata":{}}']) {
    assert.equal(remove(text, 'metadata', 'cache_tags'), text);
  }
});

test('changes that meet in one object are made together', () => {
  const text = '{"a":1,"b":{"c":2},"d":3}';
  const changes: Change[] = [
    { path: ['a'], json: undefined },
    { path: ['d'], json: undefined },
    { path: ['b', 'c'], json: undefined },
    { path: ['b', 'e'], json: '4' },
    { path: ['b', 'f', 'g'], json: '5' },
    { path: ['b', 'f', 'h'], json: '6' },
    { path: ['i "j"'], json: '7' },
  ];
  assert.equal(
    changeMembers(text, rootOf(text), changes),
    String.raw`{"i \"j\"":7,"b":{"e":4,"f":{"g":5,"h":6}}}`,
  );
});

test('a value anywhere is replaced by its node', () => {
  const text = '{"a":[1, {"b":2}]}';
  const list = member(rootOf(text), 'a');
  assert(list?.kind === 'array' && list.items[1] !== undefined);
  assert.equal(replaceValue(text, list.items[1], '"new"'), '{"a":[1, "new"]}');
});

test('any changes of any object give what a model of them gives, and whole JSON', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd', '1');
  const leaf = fc.constantFrom<unknown>(0, 'x', null, [], [1]);
  const inner = fc.dictionary(name, leaf, { maxKeys: 3 });
  const body = fc.dictionary(name, fc.oneof(leaf, inner), { maxKeys: 5 });
  const change = fc.record({
    path: fc.array(name, { minLength: 1, maxLength: 2 }),
    json: fc.option(fc.constantFrom('9', '{"n":1}', '"new"'), { nil: undefined }),
  });
  fc.assert(
    fc.property(body, fc.array(change, { maxLength: 6 }), fc.nat(2), (object, changes, indent) => {
      const text = JSON.stringify(object, null, indent);
      // Two changes of which one is inside what the other sets do not compose: the model need not know them.
      fc.pre(
        changes.every(
          ({ path }) =>
            path.length === 2 ||
            !changes.some((other) => other.path.length === 2 && other.path[0] === path[0]),
        ),
      );
      const expected = JSON.stringify(sorted(modelled(JSON.parse(text), changes)));
      const actual = changeMembers(text, rootOf(text), changes);
      assert.equal(JSON.stringify(sorted(JSON.parse(actual))), expected);
    }),
    { seed, numRuns: 3_000 },
  );
});

type Json = Record<string, unknown>;

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function modelled(body: Json, changes: readonly Change[]): Json {
  // Sets and removals of one member: only the last of them counts.
  const last = new Map(changes.map((change) => [JSON.stringify(change.path), change]));
  for (const { path, json } of last.values()) {
    const [first = '', second] = path;
    if (second === undefined) {
      if (json === undefined) delete body[first];
      else body[first] = JSON.parse(json);
      continue;
    }
    let owner = body[first];
    if (!isObject(owner)) {
      if (json === undefined) continue;
      owner = body[first] = {};
    }
    assert(isObject(owner));
    if (json === undefined) delete owner[second];
    else owner[second] = JSON.parse(json);
  }
  return body;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, inner]) => [key, sorted(inner)]);
}
