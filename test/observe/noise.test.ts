import assert from 'node:assert/strict';
import { it } from 'node:test';
import { leavesOf } from '../../src/observe/leaves.ts';
import { withoutNoise } from '../../src/observe/noise.ts';

const NOW = Date.parse('2026-11-26T12:00:00Z');
const quiet = (text: string) => withoutNoise(text, NOW).text;

it('moments, dates of these days, UUIDs and long identifiers are noise, however they are written', () => {
  for (const moment of [
    '2026-11-26T02:38:28Z',
    '2026-11-26T02:38:28.123456+01:00',
    '2026-11-26 02:38',
    '2019/01/31, 23:59:59',
    'Thu, 26 Nov 2026 02:38:28 GMT',
    'Thu Nov 26 2026 02:38:28 GMT+0000',
    'November 26, 2026 at 2:38 PM',
    '11/26/2026, 2:38:28 AM',
    '26.11.2026 14:03:22',
    '14:03:22',
    String(NOW),
    String(NOW / 1_000),
    `${NOW / 1_000 - 3_600}.25`,
  ]) {
    assert.equal(quiet(`It is ${moment} now`), 'It is <timestamp> now', moment);
  }
  for (const date of [
    '2026-11-26',
    '11/27/2026',
    'November 26, 2026',
    '26 Nov 2026',
    'Thursday, November 26th, 2026',
  ]) {
    assert.equal(quiet(`Today is ${date}.`), 'Today is <date>.', date);
  }
  assert.equal(quiet('id 550e8400-e29b-41d4-a716-446655440000'), 'id <uuid>');
  assert.equal(quiet('session sess_8fK2aa91xx03Lq, ok'), 'session <identifier>, ok');
  assert.equal(quiet('trace 4bf92f3577b34da6a3ce929d0e0e4736'), 'trace <identifier>');
});

it('numbers, dates of other days and long words may be what is asked about', () => {
  for (const text of [
    'What is 17 + 25?',
    'What happened on 1969-07-20, or on November 9, 1989?',
    'Compare SKU-100234 with SKU-100235',
    'Call 2125551234, or 1400000000',
    'internationalization_and_localization',
    'text_embedding_3_large',
    'Meet at 14:30',
    'version 10.2.33.4',
  ]) {
    assert.equal(quiet(text), text);
  }
});

it('what was taken out is told by kind', () => {
  const { noise } = withoutNoise('At 10:00:01 and 10:00:02 by 550e8400-e29b-41d4-a716-446655440000', NOW);
  assert.deepEqual(
    [...noise],
    [
      ['timestamp', '10:00:01\n10:00:02\n'],
      ['uuid', '550e8400-e29b-41d4-a716-446655440000\n'],
    ],
  );
});

it('a hundred thousand characters take no long time, whatever they are', () => {
  for (const piece of ['a', '1', '1-', '2026-', 'Mon, ', 'a_1', '10:', '1 ', 'Nov 1, ', 'ab12cd34']) {
    const began = performance.now();
    quiet(piece.repeat(100_000 / piece.length));
    const took = performance.now() - began;
    assert.ok(took < 500, `${piece}: ${took} ms`);
  }
});

it('leaves are told with where they stand, in general and exactly', () => {
  const content =
    '{"messages":[{"content":"Hi \\"you\\"","role":"user"},{"content":[],"role":"tool"}],"x":{"a b":1e2,"y":null}}';
  assert.deepEqual(
    leavesOf(content, 100)?.map(({ path, text }) => [path, text]),
    [
      ['messages[*].content', 'Hi "you"'],
      ['messages[*].role', 'user'],
      ['messages[*].content', ']'],
      ['messages[*].role', 'tool'],
      ['x.*', '1e2'],
      ['x.y', 'null'],
    ],
  );
  const places = new Set(leavesOf(content, 100)?.map(({ place }) => place));
  assert.equal(places.size, 6);
  assert.deepEqual(
    leavesOf('item "a {b}" {"model":"m"}', 100)?.map(({ path, text }) => [path, text]),
    [
      ['', 'item'],
      ['input', 'a {b}'],
      ['model', 'm'],
    ],
  );
  assert.equal(leavesOf('[1,2,3]', 2), undefined);
  assert.deepEqual(
    leavesOf('bytes:text/plain; a="\\q"\nabc', 100)?.map(({ text }) => text),
    ['bytes', 'text/plain;', 'a=', '"\\q"', 'abc'],
  );
});
