import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isTag, parseSurrogateKey, parseTagHeader, parseTagList } from '../../src/shared/tag.ts';

test('a tag is any text of 1 to 1024 characters without control characters', () => {
  for (const tag of ['a', 'product:1', 'Größe', ' a ', '😀'.repeat(1024), 'x'.repeat(1024)])
    assert.ok(isTag(tag), tag);
  for (const text of ['', 'a\nb', '\t', '\u0000', '\u007f', '\u0085', '\u2028', '\ud800', 'x'.repeat(1025)])
    assert.ok(!isTag(text), JSON.stringify(text));
});

test('lists are split at commas, keys at blanks, and empty pieces mean nothing', () => {
  assert.deepEqual(parseTagList(' a, b b ,,Größe,A ,'), ['a', 'b b', 'Größe', 'A']);
  assert.deepEqual(parseTagHeader('a,\tb'), ['a', 'b']);
  assert.deepEqual(parseSurrogateKey('  a,b \t c'), ['a,b', 'c']);
  for (const parse of [parseTagList, parseTagHeader, parseSurrogateKey]) assert.deepEqual(parse(''), []);
});

test('a list longer than any of as many tags as there may be is none', () => {
  const most = Array.from({ length: 256 }, () => 'x'.repeat(1_024)).join(', ');
  assert.equal(parseTagList(most)?.length, 256);
  assert.equal(parseTagList('a,'.repeat(1_000_000)), undefined);
});

test('one that is no tag makes the whole unreadable: nothing is cut or left out', () => {
  assert.equal(parseTagList('a,b\u0000'), undefined);
  assert.equal(parseTagHeader(`a,${'x'.repeat(1025)}`), undefined);
  assert.equal(parseSurrogateKey(`a ${'x'.repeat(1025)}`), undefined);
  // UTF-8 as Node reads a header.
  for (const parse of [parseTagHeader, parseSurrogateKey])
    assert.equal(parse('Gr\u00c3\u00b6\u00c3\u009fe'), undefined);
});

test('any tags without the separator come through a header as they are', () => {
  const tag = (forbidden: string) =>
    fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 20 }).filter((text) => {
      return ![...forbidden].some((it) => text.includes(it)) && text.trim() === text;
    });
  fc.assert(
    fc.property(fc.array(tag(',')), fc.array(tag(' ')), (listed, keyed) => {
      assert.deepEqual(parseTagHeader(listed.join(', ')), listed);
      assert.deepEqual(parseSurrogateKey(keyed.join(' ')), keyed);
    }),
  );
});

test('no header makes the reading fail otherwise than by saying so', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 50 }), (text) => {
      for (const parse of [parseTagList, parseTagHeader, parseSurrogateKey]) {
        assert.ok(parse(text)?.every(isTag) ?? true);
      }
    }),
  );
});
