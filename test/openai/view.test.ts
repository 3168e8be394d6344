import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { withoutUsage } from '../../src/openai/stream-usage.ts';
import { EventView } from '../../src/openai/view.ts';

const CHUNK = 'data: {"id":"a","choices":[{"index":0,"delta":{"content":"ü"}}],"usage":null}\n\n';
const BARE = 'data: {"id":"a","choices":[{"index":0,"delta":{"content":"ü"}}]}\n\n';
const USAGE = 'data: {"id":"a","choices":[],"usage":{"total_tokens":3}}\n\n';
const DONE = 'data: [DONE]\n\n';

/** What a caller sees of a stream that comes in pieces of `size` bytes. */
function seen(stream: string | Buffer, size: number, maxEventBytes = 1_000): string {
  const bytes = Buffer.from(stream);
  const view = new EventView(maxEventBytes, withoutUsage);
  const shown: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) shown.push(view.push(bytes.subarray(at, at + size)));
  return Buffer.concat([...shown, view.end()]).toString('latin1');
}

const latin1 = (text: string) => Buffer.from(text).toString('latin1');

suite('a view without usage', () => {
  test('has neither the usage chunk nor its nulls, in whatever pieces they come', () => {
    const stream = CHUNK + CHUNK + USAGE + DONE;
    for (let size = 1; size <= stream.length; size++)
      assert.equal(seen(stream, size), latin1(BARE + BARE + DONE), `by ${size}`);
  });

  test('passes every other byte as it came', () => {
    const other = `: ping\r\n\r\n${BARE}event: x\r\nid: 4\r\ndata:{ "usage" : 1 ,\r\ndata: "choices":[1]}\r\n\r\nretry: 5\n\n${DONE}data: not json "usage"\n\ndata: cut`;
    for (const size of [1, 5, 1_000]) assert.equal(seen(other, size), latin1(other), `by ${size}`);
    const invalid = Buffer.concat([
      Buffer.from('data: {"usage":null,"x":"'),
      Buffer.from([0xff]),
      Buffer.from('"}\n\n'),
    ]);
    assert.equal(seen(invalid, 3), invalid.toString('latin1'));
  });

  test('passes an event, or a comment, with its last byte', () => {
    const view = new EventView(1_000, withoutUsage);
    assert.equal(view.push(Buffer.from(': pi')).toString(), '');
    assert.equal(view.push(Buffer.from('ng\n')).toString(), ': ping\n');
    assert.equal(view.push(Buffer.from(CHUNK.slice(0, -1))).toString(), '');
    assert.equal(view.push(Buffer.from(`\n${DONE}data`)).toString(), BARE + DONE);
    assert.equal(view.push(Buffer.from(': x\n\n')).toString(), 'data: x\n\n');
    assert.equal(view.end().length, 0);
  });

  test('keeps no view of the bytes it was given', () => {
    const view = new EventView(1_000, withoutUsage);
    const piece = Buffer.from('data: a');
    view.push(piece);
    piece.fill('!');
    assert.equal(view.push(Buffer.from('\n\n')).toString(), 'data: a\n\n');
  });

  test('passes all from an event on that is too large to be held', () => {
    const stream = `${CHUNK}data: ${'x'.repeat(300)}\n\n${USAGE}${DONE}`;
    for (const size of [1, 50, 1_000])
      assert.equal(seen(stream, size, 200), latin1(stream.replace(CHUNK, BARE)));
  });
});
