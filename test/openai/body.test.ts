import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_VALUES, readBody } from '../../src/openai/body.ts';
import { fromByteText } from '../../src/openai/byte-text.ts';
import { MAX_DEPTH, member, textOf } from '../../src/openai/json.ts';

test('a body is one JSON object in valid UTF-8, or its problem is named', () => {
  const cases: [string, Buffer][] = [
    ['body-empty', Buffer.alloc(0)],
    ['body-not-json', Buffer.from(' ')],
    ['body-not-json', Buffer.from('\ufeff{}')],
    ['body-not-json', Buffer.from('{}{}')],
    ['body-not-utf8', Buffer.from('{"a":"\xff"}', 'latin1')],
    ['body-not-utf8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
    ['body-not-utf8', Buffer.from([0x22, 0xc0, 0xaf, 0x22])],
    ['body-not-utf8', Buffer.from([0xfe])],
    ['body-not-object', Buffer.from('[{}]')],
    ['body-not-object', Buffer.from('null')],
    ['duplicate-key', Buffer.from('{"a":1,"a":2}')],
    ['too-deep', Buffer.from(`{"a":${'['.repeat(128)}${']'.repeat(128)}}`)],
    ['taken', Buffer.from(`{"a":[0${',0'.repeat(MAX_VALUES - 10)}]}`)],
    ['too-many-values', Buffer.from(`{"a":[0${',0'.repeat(MAX_VALUES - 9)}]}`)],
    ['taken', manyNames(MAX_VALUES / 8 - 1)],
    ['too-many-values', manyNames(MAX_VALUES / 8)],
  ];
  for (const [problem, bytes] of cases) {
    const read = readBody(bytes);
    assert.equal(read.ok ? 'taken' : read.problem, problem, bytes.toString('latin1', 0, 99));
  }
  const read = readBody(Buffer.from('{"é":"😀"}'));
  assert(read.ok);
  assert.equal(textOf(member(read.root, 'é')), '😀');
  assert.equal(fromByteText(read.text), '{"é":"😀"}');
});

function manyNames(count: number): Buffer {
  return Buffer.from(`{${Array.from({ length: count }, (_, at) => `"${at}":0`).join(',')}}`);
}

test('different bytes that are no UTF-8 are refused, never read as one text', () => {
  const bad = ['80', 'c3', 'c0ae', 'e08080', 'eda080', 'edbfbf', 'f4908080', 'f8888080', 'ff'];
  for (const hex of bad) {
    const bytes = Buffer.concat([Buffer.from('{"a":"'), Buffer.from(hex, 'hex'), Buffer.from('"}')]);
    assert.deepEqual(readBody(bytes), { ok: false, problem: 'body-not-utf8' }, hex);
  }
  for (const text of ['\u{10ffff}', '\ufffd', '\ud7ff\ue000', '\u2028']) {
    assert(readBody(Buffer.from(JSON.stringify({ a: text }))).ok, text);
  }
});

test('a mark of byte order is no part of JSON, whichever it is', () => {
  for (const hex of ['efbbbf7b7d', 'fffe7b007d00', 'feff007b007d']) {
    assert(!readBody(Buffer.from(hex, 'hex')).ok, hex);
  }
  assert(readBody(Buffer.from('{"\ufeff":"\ufeff"}')).ok, 'within a string it is a character');
});

test('a body nests as deep as its limit and no deeper, the object itself counted', () => {
  const nested = (depth: number) => Buffer.from(`${'{"a":'.repeat(depth)}0${'}'.repeat(depth)}`);
  assert(readBody(nested(MAX_DEPTH)).ok);
  assert.deepEqual(readBody(nested(MAX_DEPTH + 1)), { ok: false, problem: 'too-deep' });
});

test('a lone surrogate can only come escaped, and stays one', () => {
  const read = readBody(Buffer.from(String.raw`{"a":"\ud800"}`));
  assert(read.ok);
  assert.equal(textOf(member(read.root, 'a')), '\ud800');
});
