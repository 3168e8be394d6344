import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collectAnswerTags, type Headers } from '../../src/policy/answer-tags.ts';
import { collected } from '../../src/policy/tags.ts';

const read = (...headers: Headers[number][]) => collected((into) => collectAnswerTags(headers, into));

test('the headers by which origins tell CDNs their tags are read, each by its own custom', () => {
  assert.deepEqual(
    read(
      ['cache-tag', 'a, b c,,A'],
      ['cache-tag', 'd'],
      ['surrogate-key', 'e  f,g a'],
      ['cache-groups', '"h, i";x=1, "j"'],
      ['cache-groups', '"k"'],
      ['content-type', 'text/plain'],
    ),
    { ok: true, tags: ['a', 'b c', 'A', 'd', 'e', 'f,g', 'h, i', 'j', 'k'] },
  );
  assert.deepEqual(read(), { ok: true, tags: [] });
  assert.deepEqual(read(['cache-tag', ''], ['cache-groups', '']), { ok: true, tags: [] });
});

test('one that cannot be read makes all of it unreadable', () => {
  for (const header of [
    ['cache-tag', `a,${'x'.repeat(1025)}`],
    ['cache-tag', 'gr\u00c3\u00bcn'],
    ['surrogate-key', 'a \u0001'],
    ['cache-groups', 'a, b'],
    ['cache-groups', '""'],
  ] as const) {
    assert.deepEqual(read(['cache-tag', 'a'], header), { ok: false, problem: 'tags-unreadable' });
  }
});

test('more than 256 different ones are too many; repeats count once', () => {
  const list = (count: number) => Array.from({ length: count }, (_, at) => `t${at}`).join(',');
  assert.equal(read(['cache-tag', list(256)], ['cache-tag', list(256)]).ok, true);
  assert.deepEqual(read(['cache-tag', list(257)]), { ok: false, problem: 'too-many-tags' });
});
