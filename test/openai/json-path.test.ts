import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type JSONValue, query } from 'json-p3';
import { parseJson } from '../../src/openai/json.ts';
import { parseJsonPath } from '../../src/openai/json-path.ts';

const DOCUMENT = JSON.stringify({
  store: {
    book: [
      { category: 'reference', author: 'Nigel Rees', title: 'Sayings of the Century', price: 8.95 },
      { category: 'fiction', author: 'Evelyn Waugh', title: 'Sword of Honour', price: 12.99 },
      {
        category: 'fiction',
        author: 'Herman Melville',
        title: 'Moby Dick',
        isbn: '0-553-21311-3',
        price: 8.99,
      },
      { category: 'fiction', author: 'J. R. R. Tolkien', isbn: '0-395-19395-8', price: 22.99 },
    ],
    bicycle: { color: 'red', price: 399 },
  },
});

test('the examples of RFC 9535 §1.5 and more select what they should', () => {
  for (const [path, expected] of [
    ['$.store.book[*].author', ['Nigel Rees', 'Evelyn Waugh', 'Herman Melville', 'J. R. R. Tolkien']],
    ['$..author', ['Nigel Rees', 'Evelyn Waugh', 'Herman Melville', 'J. R. R. Tolkien']],
    ['$.store..price', [8.95, 12.99, 8.99, 22.99, 399]],
    ['$..book[2].author', ['Herman Melville']],
    ['$..book[2].publisher', []],
    ['$..book[-1].author', ['J. R. R. Tolkien']],
    ['$..book[0,1].price', [8.95, 12.99]],
    ['$..book[:2].price', [8.95, 12.99]],
    ['$..book[::-2].price', [22.99, 12.99]],
    ['$..book[?@.isbn].price', [8.99, 22.99]],
    ['$..book[?@.price<10].price', [8.95, 8.99]],
    ['$..book[?@.price == 8.950 || !@.title].price', [8.95, 22.99]],
    ['$..book[?length(@.author) == 10 && @.category != "fiction"].price', [8.95]],
    ['$.store[?count(@.*) == 2].color', ['red']],
    ['$.store.book[?value(@..isbn) == $.store.book[2].isbn].title', ['Moby Dick']],
    ['$["store"]["bicycle"]', [{ color: 'red', price: 399 }]],
    ['$', [JSON.parse(DOCUMENT)]],
  ] as const) {
    assert.deepEqual(selected(path, DOCUMENT), expected, path);
  }
});

test('what is no JSONPath, or asks for backtracking, is refused', () => {
  for (const path of [
    '',
    'id',
    '$.',
    '$.a[',
    '$..',
    '$.a b',
    '$[?@.a',
    '$[01]',
    '$[?match(@.a, "x.*")]',
    '$[?search(@.a, "(a+)+$")]',
    '$[?unknown(@.a)]',
    '$[?@.*==1]',
    '$.~a',
    `$.${'a'.repeat(600)}`,
  ]) {
    assert.equal(parseJsonPath(path), undefined, path);
  }
});

test('numbers keep every digit, and are compared by them', () => {
  const text = '{"hits":[{"id":9007199254740993},{"id":9007199254740992},{"id":1.0e0}]}';
  assert.deepEqual(texts('$.hits[*].id', text), ['9007199254740993', '9007199254740992', '1.0e0']);
  assert.deepEqual(texts('$.hits[?@.id == 9007199254740993].id', text), ['9007199254740993']);
  assert.deepEqual(texts('$.hits[?@.id == 1].id', text), ['1.0e0']);
});

test('names that objects of JavaScript have by themselves are only there if they are', () => {
  assert.deepEqual(texts('$.constructor', '{}'), []);
  assert.deepEqual(texts('$["__proto__"].a', '{"__proto__":{"a":1}}'), ['1']);
});

test('a large answer that would take too many steps is given up, in bounded time', () => {
  const deep = `${'[{"a":'.repeat(60)}1${'}]'.repeat(60)}`;
  const wide = `[${'[],'.repeat(500_000)}[]]`;
  const long = `{"text":"${'x'.repeat(1_000_000)}","list":[${'1,'.repeat(20_000)}1]}`;
  for (const [path, text] of [
    ['$..*..*..*..*..*..a', deep],
    ['$[?count($..*) > 1]', wide],
    ['$.list[?length($.text) == @]', long],
    ['$.list[?$.text == $.text]', long],
    [
      '$[*,*][*,*][*,*][*,*][*,*][*,*][*,*][*,*][*,*][*,*][*,*][*,*][*,*][*,*][*,*][*,*][*,*][*,*][*,*][*,*][*,*][*,*][*,*]',
      deep,
    ],
  ] as const) {
    const started = performance.now();
    assert.equal(select(path, text), undefined, path);
    assert.ok(performance.now() - started < 5_000, `${path} took ${performance.now() - started} ms`);
  }
  assert.equal(select('$..*', wide)?.length, 500_001);
});

test('random queries select from random documents what json-p3 itself selects', () => {
  const name = fc.constantFrom('a', 'b', 'c');
  const value = fc.letrec<{ node: JSONValue }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(null, true, false, 0, 1, 2, 'a', 'b', ''),
      fc.array(tie('node'), { maxLength: 4 }),
      fc.dictionary(name, tie('node'), { maxKeys: 3, noNullPrototype: true }),
    ),
  })).node;
  const singular = fc
    .tuple(
      fc.constantFrom('@', '$'),
      fc.array(
        fc.oneof(
          name.map((it) => `.${it}`),
          fc.constantFrom('[0]', '[-1]'),
        ),
        { maxLength: 2 },
      ),
    )
    .map(([root, steps]) => root + steps.join(''));
  const operand = fc.oneof(
    singular,
    fc.constantFrom('1', '"a"', 'null', 'true', 'length(@.a)', 'count(@.*)', 'value(@..b)'),
  );
  const comparison = fc
    .tuple(operand, fc.constantFrom('==', '!=', '<', '<=', '>', '>='), operand)
    .map((parts) => parts.join(' '));
  const filter = fc
    .tuple(
      fc.oneof(
        comparison,
        singular,
        singular.map((it) => `!${it}`),
      ),
      fc.constantFrom('&&', '||'),
      comparison,
    )
    .map((parts) => `?${parts.join(' ')}`);
  const index = fc.integer({ min: -5, max: 5 });
  const end = fc.oneof(index.map(String), fc.constant(''));
  const selector = fc.oneof(
    name.map((it) => `'${it}'`),
    index.map(String),
    fc.constant('*'),
    fc.tuple(end, end, end).map((parts) => parts.join(':')),
    filter,
  );
  const segment = fc
    .tuple(fc.constantFrom('', '', '..'), fc.array(selector, { minLength: 1, maxLength: 2 }))
    .map(([dots, selectors]) => `${dots}[${selectors.join(', ')}]`);
  const path = fc.array(segment, { maxLength: 3 }).map((segments) => `$${segments.join('')}`);
  fc.assert(
    fc.property(path, value, (written, document) => {
      assert.deepEqual(selected(written, JSON.stringify(document)), query(written, document).values());
    }),
    { numRuns: 3_000 },
  );
});

function select(path: string, text: string) {
  const parsed = parseJson(text);
  const compiled = parseJsonPath(path) ?? assert.fail(`${path} is refused`);
  return parsed.ok ? compiled.select(parsed.root) : assert.fail(parsed.problem);
}

function texts(path: string, text: string): string[] {
  const nodes = select(path, text) ?? assert.fail(`${path} is given up`);
  return nodes.map(({ start, end }) => text.slice(start, end));
}

function selected(path: string, text: string): unknown[] {
  return texts(path, text).map((json) => JSON.parse(json));
}

test('a path of names and indexes selects one place, any other any number of them', () => {
  for (const path of ['$', '$.a', '$.a[0].b', "$['a'][-1]"])
    assert.equal(parseJsonPath(path)?.isSingular, true, path);
  for (const path of ['$.*', '$..a', '$.a[*].b', '$.a[0,1]', '$.a[0:1]', '$[?@.a]']) {
    assert.equal(parseJsonPath(path)?.isSingular, false, path);
  }
});
