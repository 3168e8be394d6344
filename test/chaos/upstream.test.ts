import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ManualClock } from '../support/clock.ts';
import { within } from '../support/deadline.ts';
import { chat, open } from '../support/http.ts';
import { chatPiece, dataEvent, sendJson } from '../support/openai-server.ts';
import { type Stage, setStage } from '../support/stage.ts';
import type { Handler } from '../support/upstream.ts';

const CHAT = '/v1/chat/completions';

const stream =
  (events: readonly string[], how: 'end' | 'destroy' = 'end'): Handler =>
  (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const event of events) response.write(event);
    if (how === 'end') response.end();
    else setImmediate(() => response.destroy());
  };

const json =
  (body: string, type = 'application/json'): Handler =>
  (_request, response) => {
    response.writeHead(200, { 'content-type': type }).end(body);
  };

/** The code of an error of ours; undefined where the answer is none. */
function codeOf(body: Buffer): unknown {
  const { error } = JSON.parse(body.toString()) as { error?: { code?: unknown; type?: unknown } };
  return error?.type === 'reprise_error' ? error.code : undefined;
}

describe('an upstream that is not there', () => {
  it('gives 502 upstream_unreachable with what happened, and after five failures 503 at once until a probe succeeds', async () => {
    const clock = new ManualClock();
    await using stage = await setStage({ clock });
    stage.upstream.answer((_request, response) => void response.destroy());
    const ask = (name: string) => stage.ask(CHAT, { body: chat(name) });
    for (let time = 1; time <= 5; time += 1) {
      const answer = await ask(`q${time}`);
      assert.equal(answer.status, 502);
      assert.equal(codeOf(answer.body), 'upstream_unreachable');
    }
    for (let time = 0; time < 20; time += 1) {
      const answer = await ask('more');
      assert.equal(answer.status, 503);
      assert.equal(codeOf(answer.body), 'upstream_unavailable');
      assert.equal(answer.headers.get('retry-after'), '2');
    }
    assert.equal(stage.upstream.calls.length, 5);
    const ready = await stage.ask('/health/ready');
    assert.equal((ready.json() as { status: string }).status, 'degraded');
    clock.advance(2_000);
    assert.equal((await ask('probe')).status, 502);
    assert.equal((await ask('not yet')).status, 503);
    stage.upstream.answer(undefined);
    clock.advance(2_000);
    assert.equal((await ask('probe')).status, 200);
    assert.equal((await ask('again')).status, 200);
    assert.equal(((await stage.ask('/health/ready')).json() as { status: string }).status, 'ok');
  });

  it('a call that gets no answer in time is 504 upstream_timeout', async () => {
    const clock = new ManualClock();
    await using stage = await setStage({ clock, upstreamSettings: { timeouts: { total: '30s' } } });
    const gate = stage.upstream.hold();
    const asked = stage.ask(CHAT, { body: chat('x') });
    await within(gate.arrived(1), 'upstream');
    clock.advance(30_000);
    const answer = await within(asked, 'the answer');
    assert.equal(answer.status, 504);
    assert.equal(codeOf(answer.body), 'upstream_timeout');
  });

  it('a refused connection says which upstream, and what to check', async () => {
    await using stage = await setStage({ upstreamSettings: { base_url: 'http://127.0.0.1:9/v1' } });
    const answer = await stage.ask(CHAT, { body: chat('x') });
    assert.equal(answer.status, 502);
    assert.match(
      answer.body.toString(),
      /http:\/\/127\.0\.0\.1:9 cannot be reached: nothing listens there\. Check that/,
    );
  });
});

describe('an upstream that answers badly', () => {
  const choice = (message: string, finish: string) =>
    json(`{"choices":[{"index":0,"message":${message},"finish_reason":${finish}}]}`);

  const many = Array(500).fill('{"message":{"content":"a"},"finish_reason":"stop"}').join(',');

  for (const [what, handler, reason] of [
    ['not JSON', json('<html>'), 'not-json'],
    ['HTML', json('<html>', 'text/html'), 'not-json'],
    ['nothing at all', json(''), 'not-json'],
    ['an array', json('[1]'), 'not-an-object'],
    ['an error inside', json('{"error":{"message":"x"}}'), 'error-inside'],
    ['no choices', json('{"id":"x","choices":[]}'), 'no-choices'],
    [
      'a name too long for the chunks of a stream',
      json(`{"model":"${'m'.repeat(9_000)}","choices":[${many}]}`),
      'too-large-as-stream',
    ],
    ['no finish_reason', choice('{"content":"a"}', 'null'), 'finish-missing'],
    ['finish_reason length', choice('{"content":"a"}', '"length"'), 'finish:length'],
    ['a content filter', choice('{"content":"a"}', '"content_filter"'), 'finish:content_filter'],
    ['a refusal', choice('{"content":null,"refusal":"no"}', '"stop"'), 'refusal'],
  ] as const) {
    it(`${what}: passed on as it came, and not stored, for the reason ${reason}`, async () => {
      await using stage = await setStage();
      stage.upstream.answer(handler);
      const first = await stage.ask(CHAT, { body: chat('x') });
      assert.equal(first.status, 200);
      const second = await stage.ask(CHAT, { body: chat('x') });
      assert.equal(second.headers.get('x-cache'), 'MISS');
      assert.equal(second.headers.get('x-cache-reason'), reason);
      assert.equal(second.headers.get('cache-status'), 'reprise; fwd=miss; fwd-status=200');
      assert.deepEqual(second.body, first.body);
      assert.equal(stage.upstream.calls.length, 2);
    });
  }

  for (const [what, handler, whole] of [
    [
      'cut before its terminal event',
      stream([chatPiece({ role: 'assistant', content: 'a' }), chatPiece({}, 'stop')]),
      true,
    ],
    [
      'cut in the midst, though closed in order',
      stream([chatPiece({ role: 'assistant', content: 'a' })]),
      false,
    ],
    ['broken in the middle', stream([chatPiece({ role: 'assistant', content: 'a' })], 'destroy'), false],
    [
      'with an error inside',
      stream([chatPiece({ content: 'a' }), dataEvent({ error: { message: 'x' } }), dataEvent('[DONE]')]),
      true,
    ],
    ['with half an event', stream(['data: {"choices":[{"ind\n\n', dataEvent('[DONE]')]), true],
    [
      'that ends by length',
      stream([chatPiece({ content: 'a' }), chatPiece({}, 'length'), dataEvent('[DONE]')]),
      true,
    ],
    ['of nothing', stream([]), true],
  ] as const) {
    it(`a stream ${what} reaches its caller as it is, and is not stored`, async () => {
      await using stage = await setStage();
      stage.upstream.answer(handler);
      const ask = () => stage.ask(CHAT, { body: chat('x', { stream: true }) });
      if (whole) assert.equal((await ask()).status, 200);
      // A stream that breaks half-way breaks for the client too: it must not look complete.
      else await assert.rejects(ask(), /aborted|socket hang up|terminated/);
      stage.upstream.answer(undefined);
      assert.equal((await ask()).headers.get('x-cache'), 'MISS');
    });
  }

  it('who joined a stream for its JSON gets a clear error when the stream breaks', async () => {
    await using stage = await setStage();
    const gate = stage.upstream.hold();
    stage.upstream.answer(async (_request, response, turn) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(chatPiece({ role: 'assistant', content: 'a' }));
      await turn.pass();
      response.destroy();
    });
    gate.let(1);
    const live = await within(
      open(stage.reprise.url + CHAT, { body: chat('x', { stream: true }) }),
      'the stream',
    );
    const joined = stage.ask(CHAT, { body: chat('x') });
    await within(gate.arrived(2), 'the stream has begun');
    gate.release();
    const answer = await within(joined, 'the JSON');
    assert.equal(answer.status, 502);
    assert.equal(codeOf(answer.body), 'upstream_unreachable');
    await assert.rejects(async () => {
      for await (const _ of live.chunks);
    });
  });
});

describe('embeddings that cannot be right', () => {
  const vectors = (...data: object[]) =>
    JSON.stringify({ object: 'list', data, model: 'e', usage: { prompt_tokens: 1, total_tokens: 1 } });
  const vector = (index: number, embedding: unknown = [1, 2]) => ({ object: 'embedding', index, embedding });
  const ask = (stage: Stage, input: unknown) => stage.ask('/v1/embeddings', { body: { model: 'e', input } });

  for (const [what, body] of [
    ['too few vectors', vectors(vector(0))],
    ['too many vectors', vectors(vector(0), vector(1), vector(2))],
    ['an index twice', vectors(vector(0), vector(0))],
    ['an index out of range', vectors(vector(0), vector(7))],
    ['vectors of different lengths', vectors(vector(0), vector(1, [1]))],
    ['an empty vector', vectors(vector(0), vector(1, []))],
    ['words for numbers', vectors(vector(0), vector(1, ['a', 'b']))],
    ['not JSON', 'oops'],
  ] as const) {
    it(`${what}: a narrowed call is 502 upstream_invalid, a whole one is passed on; nothing is stored`, async () => {
      await using stage = await setStage();
      await ask(stage, ['cached']);
      stage.upstream.answer(json(body));
      const narrowed = await ask(stage, ['cached', 'a', 'b']);
      assert.equal(narrowed.status, 502);
      assert.equal(codeOf(narrowed.body), 'upstream_invalid');
      const whole = await ask(stage, ['a', 'b']);
      assert.equal(whole.body.toString(), body);
      stage.upstream.answer(undefined);
      assert.equal((await ask(stage, ['a', 'b'])).headers.get('x-cache-parts'), '0/2');
    });
  }

  it('another model snapshot makes the whole batch be asked again, in one call', async () => {
    await using stage = await setStage();
    const answering =
      (model: string): Handler =>
      (request, response) => {
        const { input } = request.json() as { input: string[] };
        sendJson(response, 200, {
          object: 'list',
          data: input.map((text, index) => vector(index, [text.length, model.length])),
          model,
          usage: { prompt_tokens: 1, total_tokens: 1 },
        });
      };
    stage.upstream.answer(answering('e-old'));
    await ask(stage, ['a', 'bb']);
    stage.upstream.answer(answering('e-newer'));
    const mixed = await ask(stage, ['a', 'bb', 'ccc']);
    assert.deepEqual(stage.upstream.calls.at(-1)?.json().input, ['a', 'bb', 'ccc']);
    const { data, model } = mixed.json() as { model: string; data: { embedding: unknown }[] };
    assert.equal(model, 'e-newer');
    assert.deepEqual(
      data.map(({ embedding }) => embedding),
      [
        [1, 7],
        [2, 7],
        [3, 7],
      ],
    );
    assert.equal((await ask(stage, ['bb', 'ccc'])).headers.get('x-cache'), 'HIT');
  });

  for (const [what, input] of [
    ['no item', []],
    ['2,049 items', Array.from({ length: 2049 }, () => 'x')],
    ['mixed items', ['a', [1]]],
    ['an empty text', ['']],
  ] as const) {
    it(`an input of ${what} is forwarded as it is, for the upstream to refuse`, async () => {
      await using stage = await setStage();
      stage.upstream.answer((_request, response) =>
        sendJson(response, 400, { error: { message: 'bad input' } }),
      );
      const answer = await ask(stage, input);
      assert.equal(answer.status, 400);
      assert.equal(answer.headers.get('x-cache-reason'), 'input-not-itemizable');
      assert.deepEqual(stage.upstream.calls[0]?.json().input, input);
    });
  }

  it('the caller gets the encoding it asked for, also from an upstream that ignores encoding_format', async () => {
    await using stage = await setStage();
    stage.upstream.answer(json(vectors(vector(0, [0.5, -2]))));
    const base64 = await stage.ask('/v1/embeddings', {
      body: { model: 'e', input: 'x', encoding_format: 'base64' },
    });
    const { data } = base64.json() as { data: { embedding: string }[] };
    assert.equal(data[0]?.embedding, Buffer.from(new Float32Array([0.5, -2]).buffer).toString('base64'));
  });
});
