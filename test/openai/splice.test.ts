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

test('what stands in the way of a member is replaced, and what is already there is written anew', () => {
  const set = (text: string) => setMember(text, rootOf(text), ['a', 'b', 'c'], '1');
  for (const other of ['null', '5', '"x"', '[{"b":{}}]', 'true']) {
    assert.equal(set(`{"z":0, "a" : ${other} }`), '{"z":0, "a" : {"b":{"c":1}} }');
    assert.equal(set(`{"a":{"b":${other},"y":2}}`), '{"a":{"b":{"c":1},"y":2}}');
  }
  assert.equal(set('{"a":{"b":{"c":{"deep":[1]}}}}'), '{"a":{"b":{"c":1}}}');
});

test('a member is found by its name unescaped, and a name like those of all objects is an ordinary one', () => {
  const text = String.raw`{"\u0061":1,"__proto__":2}`;
  assert.equal(setMember(text, rootOf(text), ['a'], '3'), String.raw`{"\u0061":3,"__proto__":2}`);
  assert.equal(removeMember(text, rootOf(text), ['__proto__']), String.raw`{"\u0061":1}`);
  assert.equal(
    setMember('{}', rootOf('{}'), ['constructor', 'toString'], '1'),
    '{"constructor":{"toString":1}}',
  );
});

test('numbers, escapes and order that a parser would lose pass as they are', () => {
  const rest = String.raw`"seed":9007199254740993,"s":"\ud800\/\u00e9","n":-0.0e-0,"o":{"2":1, "b":2 ,"1":3}`;
  const text = `{"stream":false,${rest}}`;
  assert.equal(setMember(text, rootOf(text), ['stream'], 'true'), `{"stream":true,${rest}}`);
  assert.equal(removeMember(text, rootOf(text), ['stream']), `{${rest}}`);
});

test('a change of nothing is refused', () => {
  assert.throws(() => setMember('{}', rootOf('{}'), [], '1'), RangeError);
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

test('setting members leaves every byte of the others as it was', () => {
  const spelled = fc.constantFrom(
    '1.0',
    '-0',
    '9007199254740993',
    '"\\u0061\\/"',
    '{ "2":1,"1" : 2 }',
    '[ ]',
    'null',
  );
  const space = fc.constantFrom('', ' ', '\n\t');
  const members = fc.array(fc.tuple(space, spelled, space), { maxLength: 5 });
  fc.assert(
    fc.property(members, fc.nat(5), (list, at) => {
      const pieces = list.map(([before, json, after], index) => `${before}"m${index}"${after}:${json}`);
      const text = `{${pieces.join(',')} }`;
      const others = pieces.filter((_, index) => index !== at);
      const set = setMember(text, rootOf(text), [`m${at}`], '"new"');
      const removed = removeMember(text, rootOf(text), [`m${at}`]);
      for (const piece of others) {
        assert(set.includes(piece.trim()), set);
        assert(removed.includes(piece.trim()), removed);
      }
      assert.equal(JSON.parse(set)[`m${at}`], 'new');
      assert.equal(rootOf(removed).members.length, others.length);
      if (at >= list.length) assert.equal(removed, text);
    }),
    { seed, numRuns: 1_000 },
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
