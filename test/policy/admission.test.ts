import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { objectOf } from '../../src/openai/json-text.ts';
import { type Api, OutcomeReader, outcomeOf } from '../../src/openai/outcome.ts';
import { refusalOf } from '../../src/policy/admission.ts';

/** Why an answer is not stored: it cannot be read, or must not be kept. */
function judged(api: Api | 'plain', body: string | Buffer): string | undefined {
  const outcome = outcomeOf(Buffer.from(body));
  return typeof outcome === 'string' ? outcome : refusalOf(api, outcome);
}

const choice = (changes: Record<string, unknown> = {}) => ({
  index: 0,
  message: { content: 'x', refusal: null },
  finish_reason: 'stop',
  ...changes,
});
const chat = (...choices: unknown[]) => judged('chat', JSON.stringify({ choices }));
const response = (changes: Record<string, unknown>) =>
  judged('responses', JSON.stringify({ status: 'completed', error: null, output: [], ...changes }));

suite('a chat answer is stored', () => {
  test('if every choice came to a good end', () => {
    assert.equal(chat(choice()), undefined);
    assert.equal(
      chat(
        choice(),
        choice({ index: 1, finish_reason: 'tool_calls' }),
        choice({ index: 2, finish_reason: 'function_call' }),
      ),
      undefined,
    );
  });

  test('but not if one of them did not', () => {
    const second = (changes: Record<string, unknown>) => chat(choice(), choice({ index: 1, ...changes }));
    assert.equal(second({ finish_reason: 'length' }), 'finish:length');
    assert.equal(second({ finish_reason: 'content_filter' }), 'finish:content_filter');
    assert.equal(second({ finish_reason: null }), 'finish-missing');
    assert.equal(second({ finish_reason: undefined }), 'finish-missing');
    assert.equal(second({ finish_reason: 'x\r\nset-cookie: a' }), 'finish:other');
    assert.equal(second({ message: { refusal: 'No.' } }), 'refusal');
    assert.equal(
      second({ content_filter_results: { hate: { filtered: false }, violence: { filtered: true } } }),
      'content-filter',
    );
    assert.equal(
      second({ content_filter_results: { hate: { filtered: false, severity: 'safe' } } }),
      undefined,
    );
  });

  test('nor without choices, with an error inside, or if it is no JSON object', () => {
    const body = (text: string | Buffer) => judged('completions', text);
    assert.equal(chat(), 'no-choices');
    assert.equal(body('{}'), 'no-choices');
    assert.equal(
      body('{"error":{"message":"m"},"choices":[{"index":0,"finish_reason":"stop"}]}'),
      'error-inside',
    );
    assert.equal(body('{"error":null,"choices":[{"index":0,"finish_reason":"stop"}]}'), undefined);
    assert.equal(body('<html>'), 'not-json');
    assert.equal(body(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])), 'not-json');
    assert.equal(body('[]'), 'not-an-object');
    assert.equal(body('null'), 'not-an-object');
    assert.equal(body('{"a":1,"a":2}'), 'duplicate-key');
    assert.equal(body(`{"a":${'['.repeat(200)}${']'.repeat(200)}}`), 'too-deep');
  });

  test('by the same rules where it came in chunks', () => {
    const streamed = (...chunks: unknown[]) => {
      const reader = new OutcomeReader();
      for (const piece of chunks) reader.see(objectOf(JSON.stringify({ choices: [piece] })));
      return refusalOf('chat', reader.outcome);
    };
    const end = { index: 0, delta: {}, finish_reason: 'stop' };
    const open = { index: 0, delta: { role: 'assistant', content: '', refusal: null }, finish_reason: null };
    assert.equal(streamed(open, end), undefined);
    assert.equal(streamed(open, end, { index: 0, delta: {}, finish_reason: null }), undefined);
    assert.equal(streamed(open, { ...open, index: 1 }, end), 'finish-missing');
    assert.equal(streamed({ index: 0, delta: { refusal: 'I ' } }, end), 'refusal');
    assert.equal(
      streamed(
        { index: 0, delta: {}, content_filter_results: { hate: { filtered: true } } },
        { ...end, content_filter_results: {} },
      ),
      'content-filter',
    );
  });
});

suite('a response is stored', () => {
  test('if it is completed', () => {
    assert.equal(response({}), undefined);
    for (const status of ['incomplete', 'failed', 'in_progress', 'queued', 'cancelled'])
      assert.equal(response({ status }), `status:${status}`);
    assert.equal(response({ status: 'failed', error: { code: 'server_error' } }), 'status:failed');
    assert.equal(response({ status: undefined }), 'status-missing');
    assert.equal(response({ error: { code: 'server_error' } }), 'error-inside');
  });

  test('and the model did not refuse', () => {
    assert.equal(
      response({
        output: [
          {
            type: 'message',
            content: [
              { type: 'output_text', text: '' },
              { type: 'refusal', refusal: 'No.' },
            ],
          },
        ],
      }),
      'refusal',
    );
  });
});

test('any other answer is stored if it is a JSON object without an error', () => {
  const plain = (text: string) => judged('plain', text);
  assert.deepEqual(['{"data":[]}', '{"error":"x"}', '[]', ''].map(plain), [
    undefined,
    'error-inside',
    'not-an-object',
    'not-json',
  ]);
});
