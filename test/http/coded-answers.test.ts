import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { brotliCompressSync, createGzip, gzipSync } from 'node:zlib';
import { within } from '../support/deadline.ts';
import { chat, open } from '../support/http.ts';
import { chatPiece, dataEvent, sendJson } from '../support/openai-server.ts';
import { oneRoute, type Stage, setStage } from '../support/stage.ts';
import type { Handler } from '../support/upstream.ts';

const CHAT = '/v1/chat/completions';
const CHOICE = { index: 0, message: { role: 'assistant', content: 'Grüße' }, finish_reason: 'stop' };
const ANSWER = JSON.stringify({
  id: 'c',
  object: 'chat.completion',
  created: 1,
  model: 'm',
  choices: [CHOICE],
});
const EVENTS = [chatPiece({ role: 'assistant', content: 'a' }), chatPiece({}, 'stop'), dataEvent('[DONE]')];

const coded =
  (body: Buffer, coding: string, type = 'application/json'): Handler =>
  (_request, response) => {
    response.writeHead(200, {
      'content-type': type,
      'content-encoding': coding,
      'content-length': body.length,
    });
    response.end(body);
  };

const codedStream = (cut = 0): Handler => {
  const body = gzipSync(EVENTS.join(''));
  return coded(body.subarray(0, body.length - cut), 'gzip', 'text/event-stream');
};

const ask = (stage: Stage, stream = false) => stage.ask(CHAT, { body: chat('x', { stream }) });

describe('an upstream that compresses against our wish', () => {
  it('JSON is stored and delivered in plain, to who brought it too', async () => {
    await using stage = await setStage();
    stage.upstream.answer(coded(gzipSync(ANSWER), 'gzip'));
    for (const outcome of ['MISS', 'HIT']) {
      const answer = await ask(stage);
      assert.equal(answer.headers.get('x-cache'), outcome);
      assert.equal(answer.body.toString(), ANSWER);
      assert.equal(answer.headers.get('content-encoding'), undefined);
      assert.equal(answer.headers.get('content-length'), String(Buffer.byteLength(ANSWER)));
    }
    assert.equal(stage.upstream.calls[0]?.headers['accept-encoding'], 'identity');
  });

  it('a stream is followed live in plain, and stored', async () => {
    await using stage = await setStage();
    const gate = stage.upstream.hold();
    stage.upstream.answer(async (_request, response, turn) => {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' });
      const gzip = createGzip();
      gzip.pipe(response);
      for (const event of EVENTS) {
        gzip.write(event);
        gzip.flush();
        await turn.pass();
      }
      gzip.end();
    });
    gate.let(1);
    const live = await within(
      open(stage.reprise.url + CHAT, { body: chat('x', { stream: true }) }),
      'the head',
    );
    assert.equal(live.headers.get('content-encoding'), undefined);
    const chunks = live.chunks[Symbol.asyncIterator]();
    const first = await within(chunks.next(), 'the first event');
    assert.equal(String(first.value), EVENTS[0]);
    gate.release();
    let rest = '';
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) rest += next.value;
    assert.equal(rest, EVENTS.slice(1).join(''));
    assert.equal((await ask(stage, true)).headers.get('x-cache'), 'HIT');
  });

  it('embeddings are taken apart as ever', async () => {
    await using stage = await setStage();
    const vector = { object: 'embedding', index: 0, embedding: [0.5, 0.25] };
    const body = gzipSync(JSON.stringify({ object: 'list', data: [vector], model: 'e', usage: {} }));
    stage.upstream.answer(coded(body, 'gzip'));
    const embed = (...input: string[]) => stage.ask('/v1/embeddings', { body: { model: 'e', input } });
    await embed('a');
    assert.equal((await embed('a', 'b')).headers.get('x-cache'), 'PARTIAL');
    assert.equal((await embed('b', 'a')).headers.get('x-cache'), 'HIT');
  });

  it('so are the answers of routes, whose tag for the coded bytes is not told of the plain ones', async () => {
    await using stage = await setStage(oneRoute());
    stage.upstream.answer((_request, response) => {
      const headers = { 'content-encoding': 'br', etag: '"coded"', vary: 'accept-encoding' };
      response.writeHead(200, headers).end(brotliCompressSync('lamp'));
    });
    for (const outcome of ['MISS', 'HIT']) {
      const answer = await stage.ask('/catalog/7', {
        headers: { authorization: undefined, 'accept-encoding': 'br' },
      });
      assert.equal(answer.headers.get('x-cache'), outcome);
      assert.equal(answer.body.toString(), 'lamp');
      assert.equal(answer.headers.get('content-encoding'), undefined);
      assert.equal(answer.headers.get('etag'), undefined);
    }
  });

  it('identity is no coding, of JSON, streams and routes alike', async () => {
    await using stage = await setStage(oneRoute());
    const twice = async (path: string, sent: object) => {
      await stage.ask(path, sent);
      return (await stage.ask(path, sent)).headers.get('x-cache');
    };
    stage.upstream.answer(coded(Buffer.from(ANSWER), 'identity'));
    assert.equal(await twice(CHAT, { body: chat('json') }), 'HIT');
    assert.equal(await twice('/catalog/7', { headers: { authorization: undefined } }), 'HIT');
    stage.upstream.answer(coded(Buffer.from(EVENTS.join('')), 'identity', 'text/event-stream'));
    assert.equal(await twice(CHAT, { body: chat('stream', { stream: true }) }), 'HIT');
  });

  it('an error comes to its caller in plain', async () => {
    await using stage = await setStage();
    stage.upstream.answer((_request, response) => {
      response.writeHead(429, { 'content-encoding': 'gzip' }).end(gzipSync('{"error":{"message":"slowly"}}'));
    });
    const answer = await ask(stage);
    assert.equal(answer.status, 429);
    assert.equal(answer.body.toString(), '{"error":{"message":"slowly"}}');
  });

  it('JSON cut short, or not in its coding, is 502, and nothing is stored', async () => {
    await using stage = await setStage();
    for (const body of [gzipSync(ANSWER).subarray(0, -6), Buffer.from(ANSWER)]) {
      stage.upstream.answer(coded(body, 'gzip'));
      const answer = await ask(stage);
      assert.equal(answer.status, 502);
      assert.match(answer.body.toString(), /"code":"upstream_unreachable"/);
    }
    stage.upstream.answer(undefined);
    assert.equal((await ask(stage)).headers.get('x-cache'), 'MISS');
  });

  it('a stream whose coding is cut before its terminal event breaks for its caller, and is not stored', async () => {
    await using stage = await setStage();
    stage.upstream.answer(codedStream(40));
    await assert.rejects(ask(stage, true), /aborted|socket hang up|terminated/);
    stage.upstream.answer(undefined);
    assert.equal((await ask(stage, true)).headers.get('x-cache'), 'MISS');
  });

  it('what unpacks to more than server.max_entry reaches its caller whole, and is not stored', async () => {
    await using stage = await setStage({ profile: { server: { max_entry: '1MB' } } });
    const large = Buffer.from(JSON.stringify({ choices: [], filler: ' '.repeat(50_000_000) }));
    stage.upstream.answer(coded(gzipSync(large), 'gzip'));
    for (let time = 0; time < 2; time += 1) {
      const answer = await ask(stage);
      assert.equal(answer.headers.get('x-cache'), 'MISS');
      assert.equal(answer.headers.get('x-cache-reason'), 'too-large');
      assert.ok(answer.body.equals(large));
    }
  });

  it('what is passed through stays byte for byte in its coding', async () => {
    await using stage = await setStage();
    const body = gzipSync('file');
    stage.upstream.answer(coded(body, 'gzip'));
    const file = await stage.ask('/v1/files/f/content');
    assert.deepEqual(file.body, body);
    assert.equal(file.headers.get('content-encoding'), 'gzip');
    const bypassed = await stage.ask(CHAT, { body: chat('x', { store: true }) });
    assert.deepEqual(bypassed.body, body);
    assert.equal(bypassed.headers.get('content-encoding'), 'gzip');
  });

  it('a coding that is not known is passed on as it came, and not stored', async () => {
    await using stage = await setStage();
    stage.upstream.answer((_request, response) =>
      sendJson(response, 200, 'x', { 'content-encoding': 'compress' }),
    );
    const answer = await ask(stage);
    assert.equal(answer.headers.get('content-encoding'), 'compress');
    assert.equal(answer.headers.get('x-cache-reason'), 'content-encoding');
  });
});
