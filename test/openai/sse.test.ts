import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { formatEvent, isEventStream, type NamedEvent, SseParser } from '../../src/openai/sse.ts';

/** The events of a stream that comes in pieces of `size` bytes, and what its end leaves. */
function parsed(stream: string | Buffer, size: number, maxEventBytes = 1_000): NamedEvent[] {
  const bytes = Buffer.from(stream);
  const parser = new SseParser(maxEventBytes);
  const events: NamedEvent[] = [];
  for (let at = 0; at < bytes.length; at += size) events.push(...parser.push(bytes.subarray(at, at + size)));
  return events.map(({ event, data }) => ({ event, data }));
}

const data = (...texts: string[]): NamedEvent[] => texts.map((text) => ({ event: undefined, data: text }));

const CASES: readonly (readonly [name: string, stream: string, events: readonly NamedEvent[]])[] = [
  ['line feeds', 'data: a\n\ndata: b\n\n', data('a', 'b')],
  ['carriage returns', 'data: a\r\rdata: b\r\r', data('a', 'b')],
  ['both', 'data: a\r\n\r\ndata: b\r\n\r\n', data('a', 'b')],
  ['all three mixed', 'data: a\n\r\ndata: b\r\ndata: c\r\r\ndata: d\n\n', data('a', 'b\nc', 'd')],
  ['a whole line end at the end of a piece', 'data: a\r\n\ndata: b\n\n', data('a', 'b')],
  ['a byte order mark at the start', '\ufeffdata: a\n\n', data('a')],
  ['a byte order mark anywhere else', 'data: a\n\n\ufeffdata: b\n\ndata: \ufeff\n\n', data('a', '\ufeff')],
  ['a byte order mark and nothing else on the first line', '\ufeff\ndata: a\n\n', data('a')],
  ['several data lines', 'data: a\ndata:\ndata: b\n\n', data('a\n\nb')],
  ['a field without a colon', 'data\n\ndata\ndata\n\n', data('', '\n')],
  ['one space after the colon is no part of the value', 'data:a\ndata:  b\ndata:\tc\n\n', data('a\n b\n\tc')],
  ['comments', ': one\n\n:two\ndata: a\n:\n\n', data('a')],
  [
    'unknown fields, and names that only look right',
    'id: 1\nretry: 5\nDATA: x\ndata : y\n data: z\ndata: a\n\n',
    data('a'),
  ],
  ['no data, no event', 'event: x\n\ndata: a\n\n', data('a')],
  [
    'event types',
    'event: x\ndata: a\n\ndata: b\n\nevent: y\nevent: z\ndata: c\n\n',
    [{ event: 'x', data: 'a' }, ...data('b'), { event: 'z', data: 'c' }],
  ],
  ['characters of several bytes', 'data: Grüße, 世界 👋🏽\n\n', data('Grüße, 世界 👋🏽')],
  ['a NUL', 'data: \0\n\n', data('\0')],
  ['an event without its blank line', 'data: a\n\ndata: b\n', data('a')],
];

suite('the event stream parser', () => {
  for (const [name, stream, events] of CASES) {
    test(`reads ${name}, however it is cut`, () => {
      for (let size = 1; size <= Buffer.byteLength(stream); size++)
        assert.deepEqual(parsed(stream, size), events, `by ${size}`);
    });
  }

  test('tells where each event ended', () => {
    const stream = Buffer.from('data: a\r\n\r\n: c\n\ndata: b\n\n');
    const ends = new SseParser(100).push(stream).map(({ end }) => stream.subarray(0, end).toString());
    assert.deepEqual(ends, ['data: a\r\n\r\n', stream.toString()]);
  });

  test('gives an unfinished last event to who asks for it', () => {
    const parser = new SseParser(100);
    parser.push(Buffer.from('data: a\n\nevent: x\ndata: b'));
    const last = parser.end();
    assert.deepEqual([last?.event, last?.data], ['x', 'b']);
    assert.equal(new SseParser(100).end(), undefined);
  });

  test('says where data was not UTF-8, and only there', () => {
    const stream = Buffer.concat([
      Buffer.from('data: \ufffd\n\ndata: '),
      Buffer.from([0xc3, 0x28]),
      Buffer.from('\n\n'),
    ]);
    assert.deepEqual(
      new SseParser(100).push(stream).map(({ intact }) => intact),
      [true, false],
    );
  });

  test('knows whether it stands between two events', () => {
    const parser = new SseParser(100);
    const between = (piece: string) => {
      parser.push(Buffer.from(piece));
      return parser.isBetweenEvents;
    };
    assert.deepEqual(
      ['data', ': a\n', '\n', ': comm', 'ent\n\n', 'event: x\n', 'data: b\n', '\n'].map(between),
      [false, false, true, false, true, false, false, true],
    );
  });

  test('stops at an event larger than allowed, wherever its bytes are', () => {
    for (const size of [1, 7, 1_000]) {
      const parser = new SseParser(20);
      for (const stream of [`data: ${'x'.repeat(30)}\n\n`, 'data: 1234567890\ndata: 1234567890\n\n']) {
        const bytes = Buffer.from(`data: a\n\n${stream}data: b\n\n`);
        for (let at = 0; at < bytes.length; at += size) parser.push(bytes.subarray(at, at + size));
        assert.equal(parser.overflowed, true);
        assert.deepEqual(parsed(bytes, size, 20), data('a'));
      }
    }
  });

  test('needs time in proportion to the bytes of one long line in many pieces', () => {
    const parser = new SseParser(100_000_000);
    const piece = Buffer.alloc(1_000, 'x');
    parser.push(Buffer.from('data: '));
    const begin = performance.now();
    for (let count = 0; count < 20_000; count++) parser.push(piece);
    assert.equal(parser.push(Buffer.from('\n\n'))[0]?.data.length, 20_000_000);
    assert.ok(performance.now() - begin < 5_000);
  });
});

test('an event is written as it was read', () => {
  for (const event of [{ event: 'x', data: 'a\nb' }, ...data('', 'a', '\n')]) {
    assert.deepEqual(parsed(formatEvent(event), 1_000), [event]);
  }
  assert.equal(
    formatEvent({ event: undefined, data: '{\r"a":\r\n1\n}' }),
    'data: {\ndata: "a":\ndata: 1\ndata: }\n\n',
  );
});

test('an event stream is known by its media type', () => {
  const says = (value: string) =>
    isEventStream([
      ['date', 'today'],
      ['content-type', value],
    ]);
  assert.ok(
    says('text/event-stream') && says('Text/Event-Stream; charset=utf-8') && says(' text/event-stream ;x'),
  );
  assert.ok(!says('application/json') && !says('text/event-streams') && !isEventStream([]));
});
