import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { announcementOf, textsFor } from '../../src/cache/announcement.ts';
import type { Announcement } from '../../src/cache/bus.ts';
import { readHeard } from '../../src/cache/heard.ts';

const ANNOUNCED: readonly (readonly [announced: Announcement, texts: readonly string[]])[] = [
  [{ condition: undefined, effect: 'purge' }, ['purge']],
  [{ condition: { tags: ['a'] }, effect: 'expire' }, ['expire {"tags":["a"]}']],
  [
    { condition: { tags: ['a', 'b\n"'] }, effect: 'purge' },
    ['purge {"tags":["a"]}', 'purge {"tags":["b\\n\\""]}'],
  ],
  [{ condition: { patterns: ['b/*', 'a/*'] }, effect: 'purge' }, ['purge {"patterns":["a/*","b/*"]}']],
  [
    { condition: { types: ['x'], tags: ['b', 'a'] }, effect: 'purge' },
    ['purge {"tags":["a","b"],"types":["x"]}'],
  ],
];

describe('an announcement', () => {
  for (const [announced, texts] of ANNOUNCED) {
    test(`${texts.join(', ')}: is written and read back`, () => {
      assert.deepEqual([...textsFor(announced)], texts);
      const read = texts.map((text) => announcementOf(text));
      assert.ok(read.every((one) => one?.effect === announced.effect));
      const names = read.flatMap((one) => one?.condition?.tags ?? []).sort();
      assert.deepEqual(names, [...(announced.condition?.tags ?? [])].sort());
    });
  }

  test('is none where it is something else', () => {
    for (const text of [
      '',
      'drop',
      'purge ',
      'purge {',
      'purge []',
      'purge {}',
      'purge {"tags":"a"}',
      'purge {"other":["a"]}',
    ])
      assert.equal(announcementOf(text), undefined, text);
  });

  test('is heard with its numbers, and nothing else is', () => {
    const heard = { epoch: 'e', before: 1, first: 2, from: 'i', said: ['purge'] };
    assert.deepEqual(readHeard(JSON.stringify({ ...heard, more: 1 })), heard);
    for (const message of [
      '',
      'x',
      'null',
      '[]',
      JSON.stringify({ ...heard, said: [] }),
      JSON.stringify({ ...heard, first: '2' }),
    ])
      assert.equal(readHeard(message), undefined, message);
  });
});
