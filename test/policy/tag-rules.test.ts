import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseJson } from '../../src/openai/json.ts';
import { objectOf } from '../../src/openai/json-text.ts';
import { type TaggedRequest, type TagRule, TagRules } from '../../src/policy/tag-rules.ts';
import { collected } from '../../src/policy/tags.ts';

const rules = (...written: TagRule[]) => new TagRules(written, () => 0);

const REQUEST: TaggedRequest = {
  params: new Map([['id', '7 ü']]),
  query: 'q=red+shoes&tag=a&tag=b%2Cc&empty=',
  header: (name) => (name === 'x-shop' ? 'north' : undefined),
  json: () => objectOf('{"metadata":{"topic":"prices","none":null},"ids":[1,9007199254740993]}'),
};

const fromRequest = (rule: TagRule, request = REQUEST) =>
  collected((into) => rules(rule).ofRequest(request, into));

const fromText = (rule: TagRule, ...texts: string[]) =>
  collected((into) => rules(rule).textReader().read(texts, into));

function fromBody(path: string, text: string) {
  const parsed = parseJson(text);
  const root = parsed.ok ? parsed.root : undefined;
  return collected((into) => rules({ json: path, tag: 'product:{value}' }).ofBody(root, into));
}

const tags = (...expected: string[]) => ({ ok: true, tags: expected });
const problem = (expected: string) => ({ ok: false, problem: expected });

describe('what a request is tagged with', () => {
  for (const [rule, expected] of [
    ['product:{id}', tags('product:7 ü')],
    ['shop', tags('shop')],
    [{ query: 'q', tag: 'q:{value}' }, tags('q:red shoes')],
    [{ query: 'tag', tag: 't:{value}' }, tags('t:a', 't:b,c')],
    [{ query: 'absent', tag: 't:{value}' }, tags()],
    [{ request_header: 'X-Shop', tag: 'shop:{value}' }, tags('shop:north')],
    [{ request_header: 'x-other', tag: 'shop:{value}' }, tags()],
    [{ request: '$.metadata.topic', tag: 'topic:{value}' }, tags('topic:prices')],
    [{ request: '$.ids[*]', tag: 'p:{value}' }, tags('p:1', 'p:9007199254740993')],
    [{ request: '$.metadata.absent', tag: 'topic:{value}' }, tags()],
    [{ request: '$.metadata.none', tag: 'topic:{value}' }, problem('tags-unreadable')],
    [{ request: '$.metadata', tag: 'topic:{value}' }, problem('tags-unreadable')],
  ] as const) {
    it(JSON.stringify(rule), () => assert.deepEqual(fromRequest(rule), expected));
  }

  it('a body that is no JSON cannot be read, and no body says nothing', () => {
    const rule = { request: '$.a', tag: 'a:{value}' };
    assert.deepEqual(fromRequest(rule, { ...REQUEST, json: () => 'unreadable' }), problem('tags-unreadable'));
    assert.deepEqual(fromRequest(rule, { ...REQUEST, json: () => 'none' }), tags());
    assert.deepEqual(fromRequest('shop', { ...REQUEST, json: () => 'unreadable' }), tags('shop'));
  });
});

describe('what a text is tagged with', () => {
  const rule = { text: '(SKU)-(\\d+)|EAN-(\\d+)', tag: '{1}:{2}' };

  it('a tag for each match in any of its pieces; none where a group took no part', () => {
    assert.deepEqual(fromText(rule, 'SKU-1 and SKU-22,', 'EAN-3', 'SKU-1'), tags('SKU:1', 'SKU:22'));
    assert.deepEqual(fromText({ text: 'a.', tag: '{0}' }, 'abac'), tags('ab', 'ac'));
  });

  it('more matches than an entry may have tags are too many', () => {
    const skus = (count: number) => Array.from({ length: count }, (_, at) => `SKU-${at}`).join(' ');
    assert.equal(fromText(rule, skus(256)).ok, true);
    assert.deepEqual(fromText(rule, skus(257)), problem('too-many-tags'));
  });

  it('what would take too long cannot be read', () => {
    const started = performance.now();
    assert.deepEqual(
      fromText({ text: '(\\w+,){1,100}!', tag: '{1}' }, 'a,'.repeat(1_000_000)),
      problem('tags-unreadable'),
    );
    let now = 0;
    const slow = new TagRules([{ text: 'x*y|x', tag: 'tag' }], () => {
      now += 1;
      return now;
    });
    const read = collected((into) => slow.textReader().read(['x'.repeat(100_000)], into));
    assert.deepEqual(read, problem('tags-unreadable'));
    assert.ok(performance.now() - started < 5_000, `${performance.now() - started} ms`);
  });
});

describe('what an answer is tagged with', () => {
  it('the values that a path selects: texts, whole numbers with all their digits, true and false', () => {
    assert.deepEqual(
      fromBody('$.hits[*].id', '{"hits":[{"id":"a"},{"id":12345678901234567890},{"id":true},{"id":-1},{}]}'),
      tags('product:a', 'product:12345678901234567890', 'product:true', 'product:-1'),
    );
    assert.deepEqual(fromBody('$[*]', '[1,1]'), tags('product:1'));
    assert.deepEqual(fromBody('$.hits[*].id', '{"hits":[]}'), tags());
  });

  for (const value of [
    'null',
    '1.5',
    '1.0',
    '1e3',
    '-0',
    '{}',
    '[1]',
    '"a\\u0000"',
    '"\\ud800"',
    `"${'x'.repeat(1020)}"`,
  ]) {
    it(`${value.slice(0, 12)} cannot be read as a part of a tag`, () => {
      assert.deepEqual(fromBody('$.id', `{"id":${value}}`), problem('tags-unreadable'));
    });
  }

  it('what is not JSON, or says a name twice, cannot be read', () => {
    for (const text of ['', 'html', '{"id":1,"id":2}']) {
      assert.deepEqual(fromBody('$.id', text), problem('tags-unreadable'));
    }
  });

  it('more values than an entry may have tags are too many', () => {
    assert.deepEqual(fromBody('$[*]', JSON.stringify([...new Array(257).keys()])), problem('too-many-tags'));
    assert.deepEqual(fromBody('$..*', `[${'1,'.repeat(500_000)}1]`), tags('product:1'));
    assert.deepEqual(fromBody('$..*..*', `[${'[1],'.repeat(3_000_000)}1]`), problem('tags-unreadable'));
  });

  it('each line of a header is one value, as it is', () => {
    const rule = { header: 'X-Collection', tag: 'collection:{value}' };
    const headers = [
      ['x-collection', 'a, b'],
      ['other', 'c'],
      ['x-collection', 'd'],
    ] as const;
    const read = collected((into) => rules(rule).ofHeaders(headers, into));
    assert.deepEqual(read, tags('collection:a, b', 'collection:d'));
  });

  it('a header that is not in ASCII cannot be read, in a request or an answer: nobody says in which encoding it is', () => {
    const inUtf8 = Buffer.from('Möbel').toString('latin1');
    for (const value of [inUtf8, 'Möbel']) {
      const answered = collected((into) =>
        rules({ header: 'x-collection', tag: 'collection:{value}' }).ofHeaders(
          [['x-collection', value]],
          into,
        ),
      );
      assert.deepEqual(answered, problem('tags-unreadable'));
      const asked = { ...REQUEST, header: () => value };
      assert.deepEqual(
        fromRequest({ request_header: 'x-shop', tag: 'shop:{value}' }, asked),
        problem('tags-unreadable'),
      );
    }
  });
});

it('rules that are none are refused', () => {
  for (const rule of ['{', { json: '$[', tag: 'a' }, { text: '(', tag: 'a' }, { json: '$', tag: '{' }]) {
    assert.throws(() => rules(rule), /cannot be used/);
  }
});
