import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Recorder } from '../../src/openai/recorder.ts';
import { CHAT_EXAMPLES, responseEvents } from './answers.ts';
import { record, recorded } from './recorded.ts';
import { chunked, typed } from './wire.ts';

const [TEXT] = CHAT_EXAMPLES;
assert.ok(TEXT !== undefined);
const CHUNK = '{"id":"a","model":"m","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}]}';

suite('a recorded stream', () => {
  test('is the same in whatever pieces it came', () => {
    const stream = chunked(TEXT.chunks);
    const whole = recorded('chat', stream);
    assert.deepEqual(whole.body, stream);
    for (const size of [1, 2, 3, 7, 64, 1000]) assert.deepEqual(recorded('chat', stream, size), whole);
  });

  test('is whole with the last byte of its terminal event, and what follows is ignored', () => {
    const recorder = new Recorder('chat', 10_000);
    assert.equal(recorder.push(Buffer.from(`data: ${CHUNK}\n\ndata: [DONE]\n`)), undefined);
    assert.equal(recorder.push(Buffer.from('\n'))?.kind, 'whole');
    assert.equal(recorder.push(Buffer.from('data: {"error":{}}\n\n')), undefined);
    assert.equal(recorder.end(), undefined);
  });

  test('has no comments, ids and line ends of its upstream', () => {
    const stream = Buffer.from(
      `\ufeff: hello\r\n\r\nid: 7\r\nevent: message\r\ndata:${CHUNK}\r\n\r\n: ping\r\rdata: [DONE]\n\n`,
    );
    assert.equal(
      recorded('chat', stream).body.toString(),
      `event: message\ndata: ${CHUNK}\n\ndata: [DONE]\n\n`,
    );
  });

  test('has no padding, and every other byte of its events', () => {
    const padded = (before: string, after: string) =>
      `data: {${before} "n" : 1.0, "big":9007199254740993 ,"choices":[{"obfuscation":"mine","index":0,"delta":{"content":"\\u00e9"}}]${after}}\n\n`;
    const stream = Buffer.from(
      `${padded('"obfuscation":"a,}",', '')}${padded('', ',"obfuscation":"b"')}data: [DONE]\n\n`,
    );
    const plain = padded('', '');
    const texts = recorded('chat', stream).body.toString().replaceAll('{ "n"', '{"n"');
    assert.equal(texts, `${plain}${plain}data: [DONE]\n\n`.replaceAll('{ "n"', '{"n"'));
  });

  test('of Responses ends with the completed response, without keepalives', () => {
    const { body, outcome } = recorded('responses', typed(responseEvents()), 5);
    assert.equal(outcome.status, 'completed');
    assert.ok(!body.includes('keepalive') && !body.includes('obfuscation'));
    assert.deepEqual(outcome.facts, {
      model: 'gpt-6-sol',
      prompt_tokens: 9,
      completion_tokens: 30,
      has_usage: true,
    });
  });

  test('knows the model and the tokens', () => {
    const finish = 'stop';
    const expected = { model: 'gpt-6-sol', prompt_tokens: 9, completion_tokens: 12, finish, has_usage: true };
    assert.deepEqual(recorded('chat', chunked(TEXT.chunks)).outcome.facts, expected);
    const unsaid = recorded('chat', Buffer.from(`data: ${CHUNK}\n\ndata: [DONE]\n\n`)).outcome.facts;
    assert.deepEqual(unsaid, { model: 'm', finish: 'stop', has_usage: false });
  });

  test('is whole although the last line feeds are missing', () => {
    for (const end of ['data: [DONE]\n', 'data: [DONE]']) {
      assert.equal(record('chat', Buffer.from(`data: ${CHUNK}\n\n${end}`))?.kind, 'whole');
    }
  });
});

suite('a stream that is no answer', () => {
  const whole = chunked(TEXT.chunks);

  test('is broken wherever it was cut before its end', () => {
    const least = whole.length - '\n\n'.length;
    for (let length = 0; length < least; length += 13) {
      assert.equal(record('chat', whole.subarray(0, length))?.kind, 'broken', `after ${length} bytes`);
    }
  });

  test('was cut where it has not said that it is over, and only lacks its last words where it has', () => {
    const said = Buffer.from(`data: ${CHUNK.replace('"stop"', 'null')}\n\n`);
    const over = Buffer.from('data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n');
    const other = Buffer.from('data: {"choices":[{"index":1,"delta":{"content":"y"}}]}\n\n');
    for (const [pieces, cut] of [
      [[], false],
      [[said], true],
      [[said, over], false],
      [[other, said, over], true],
      [[Buffer.from('data: {"answer":"of another kind"}\n\n')], false],
    ] as const)
      assert.deepEqual(record('chat', Buffer.concat(pieces)), { kind: 'broken', cut });
    const response = typed(responseEvents().slice(0, -1));
    assert.deepEqual(record('responses', response), { kind: 'broken', cut: true });
  });

  test('has its end only where an event says so, not where a text speaks of it', () => {
    const said = CHUNK.replace('"x"', '"data: [DONE]\\n\\n"');
    assert.deepEqual(record('chat', Buffer.from(`data: ${said}\n\n`)), { kind: 'broken', cut: false });
  });

  test('failed where it carries an error, whose JSON is kept', () => {
    const error = '{"error":{"message":"overloaded","type":"server_error","param":null,"code":null}}';
    assert.deepEqual(record('chat', Buffer.from(`data: ${CHUNK}\n\ndata: ${error}\n\ndata: [DONE]\n\n`)), {
      kind: 'failed',
      error,
    });
    const event = '{"type":"error","code":"server_error","message":"m","param":null,"sequence_number":3}';
    const stream = Buffer.from(`event: error\ndata: ${event}\n\n`);
    assert.deepEqual(record('responses', stream), { kind: 'failed', error: `{"error":${event}}` });
  });

  test('cannot be read where an event is no JSON object, and is known at once', () => {
    const opaque = (data: string | Buffer, reason: string) => {
      const recorder = new Recorder('chat', 1_000);
      const result = recorder.push(
        Buffer.concat([Buffer.from('data: '), Buffer.from(data), Buffer.from('\n\n')]),
      );
      assert.deepEqual(result, { kind: 'opaque', reason });
      assert.equal(recorder.push(Buffer.from('data: [DONE]\n\n')), undefined);
    };
    opaque('{"id":"chatcmpl-1"', 'not-json');
    opaque('hello', 'not-json');
    opaque('[1]', 'not-an-object');
    opaque('null', 'not-an-object');
    opaque('{"a":1,"a":2}', 'duplicate-key');
    opaque(Buffer.from([0x22, 0xff, 0x22]), 'not-json');
  });

  test('cannot be read where nothing came before its end', () => {
    const empty = Buffer.from(': ping\n\ndata: [DONE]\n\n');
    assert.deepEqual(record('chat', empty), { kind: 'opaque', reason: 'empty' });
    assert.deepEqual(record('responses', empty), { kind: 'broken', cut: false });
    const final = Buffer.from('data: {"type":"response.completed"}\n\n');
    assert.deepEqual(record('responses', final), { kind: 'opaque', reason: 'not-an-object' });
  });

  test('is given up where it is too large, in one event or in all', () => {
    const large = { kind: 'opaque', reason: 'too-large' };
    const stream = Buffer.from(`data: ${CHUNK}\n\n`.repeat(20));
    for (const bytes of [stream, Buffer.from(`data: ${'x'.repeat(1_100)}`)]) {
      assert.deepEqual(new Recorder('chat', 1_000).push(bytes), large);
    }
  });

  test('of Responses that failed or was cut short is whole, and says so', () => {
    for (const status of ['failed', 'incomplete']) {
      const stream = typed([
        { type: `response.${status}`, ...{ response: { id: 'r', status, error: null } } },
      ]);
      assert.equal(recorded('responses', stream).outcome.status, status);
    }
  });
});
