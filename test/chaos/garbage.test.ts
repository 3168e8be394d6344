import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';
import { until } from '../support/deadline.ts';
import { type Answer, chat } from '../support/http.ts';
import { sendJson } from '../support/openai-server.ts';
import { type Stage, setStage } from '../support/stage.ts';
import { listening } from '../support/upstream/listening.ts';
import type { Handler } from '../support/upstream.ts';

const CHAT = '/v1/chat/completions';
const EMBEDDINGS = '/v1/embeddings';

const codeOf = ({ body }: Answer) => (JSON.parse(body.toString()) as { error: { code: string } }).error.code;

/** Whole requests of each kind of plan. */
const KINDS = [
  ['chat', CHAT, chat('x')],
  ['a chat stream', CHAT, chat('y', { stream: true })],
  ['embeddings', EMBEDDINGS, { model: 'e', input: ['a', 'b'] }],
  ['embeddings that are not taken apart', EMBEDDINGS, { model: 'e', input: 'a', late_chunking: true }],
  ['a search', '/v1/vector_stores/vs_1/search', { query: 'x' }],
  ['models', '/v1/models', undefined],
] as const;

const asking = (stage: Stage, path: string, body: object | undefined) =>
  stage.ask(path, body === undefined ? {} : { body });

describe('an answer that is none', () => {
  const OK = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n';
  for (const [what, bytes] of [
    ['nothing, and the end of the connection', ''],
    ['no HTTP', 'SSH-2.0-OpenSSH_9.9\r\n'],
    ['HTTP of no version', 'HTTP/9 200 OK\r\n\r\n'],
    ['a status of no kind', 'HTTP/1.1 050 Odd\r\ncontent-length: 2\r\n\r\n{}'],
    ['half a head', 'HTTP/1.1 200 OK\r\ncontent-le'],
    ['two lengths', `${OK}content-length: 2\r\ncontent-length: 20\r\n\r\n{}`],
    ['a length that is none', `${OK}content-length: two\r\n\r\n{}`],
    [
      'a length and chunks',
      `${OK}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
    ],
    ['less than its length', `${OK}content-length: 200\r\n\r\n{"choices":[]}`],
    ['chunks without an end', `${OK}transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n`],
    ['a chunk size that is none', `${OK}transfer-encoding: chunked\r\n\r\nxyz\r\n{}\r\n0\r\n\r\n`],
    ['a head of a megabyte', `${OK}x: ${'y'.repeat(1_000_000)}\r\n\r\n{}`],
    ['a NUL in a header', `${OK}x: a\0b\r\ncontent-length: 2\r\n\r\n{}`],
  ] as const) {
    it(`${what}: 502 upstream_unreachable for every kind of request, and nothing is stored`, async () => {
      using there = await listening(
        createServer((socket) => void socket.on('error', () => undefined).end(bytes)),
      );
      const base_url = `http://127.0.0.1:${there.port}/v1`;
      await using stage = await setStage({ upstreamSettings: { base_url, breaker: { failures: 1_000 } } });
      for (const [, path, body] of KINDS) {
        for (let run = 1; run <= 2; run += 1) {
          const answer = await asking(stage, path, body);
          assert.equal(answer.status, 502, path);
          assert.equal(codeOf(answer), 'upstream_unreachable');
          assert.doesNotMatch(answer.body.toString(), /ASSERT/);
        }
      }
      assert.equal((await stage.ask('/health/live')).status, 200);
    });
  }
});

describe('an answer that is not the one', () => {
  for (const status of [201, 202, 203, 204, 206, 301, 302, 304, 307, 308, 400, 404, 418, 500]) {
    it(`a ${status} is passed on as it came, not followed and not stored, for every kind of request`, async () => {
      await using stage = await setStage({ upstreamSettings: { breaker: { failures: 1_000 } } });
      const empty = status === 204 || status === 304;
      stage.upstream.answer((_request, response) => {
        const headers = { location: `${stage.upstream.origin}/v1/elsewhere`, 'content-type': 'text/plain' };
        response.writeHead(status, headers).end(empty ? undefined : 'as it came');
      });
      for (const [what, path, body] of KINDS) {
        const before = stage.upstream.calls.length;
        for (let run = 1; run <= 2; run += 1) {
          const answer = await asking(stage, path, body);
          assert.equal(answer.status, status, what);
          assert.equal(answer.body.toString(), empty ? '' : 'as it came');
          assert.ok(answer.headers.get('location')?.endsWith('/elsewhere'));
        }
        assert.equal(stage.upstream.calls.length, before + 2);
      }
      assert.equal(stage.upstream.count('/elsewhere'), 0);
    });
  }

  for (const [what, type, answered] of [
    ['HTML with status 200', 'text/html', '<!doctype html><title>Sign in</title>'],
    ['HTML that is called JSON', 'application/json', '<!doctype html><title>Sign in</title>'],
    ['an event stream of HTML', 'text/event-stream', '<!doctype html><title>Sign in</title>'],
    ['bytes that are no text', 'application/json', Buffer.from([0x7b, 0xff, 0x00, 0xfe, 0x7d])],
    ['a JSON text', 'application/json', '"an answer"'],
    ['100,000 arrays', 'application/json', `{"data":${'['.repeat(100_000)}${']'.repeat(100_000)}}`],
    ['half of JSON', 'application/json', '{"object":"list","data":[{"object":"emb'],
  ] as const) {
    it(`${what} is passed on as it came and not stored, for every kind of request`, async () => {
      await using stage = await setStage();
      stage.upstream.answer((_request, response) => {
        response.writeHead(200, { 'content-type': type }).end(answered);
      });
      for (const [kind, path, body] of KINDS) {
        // What begins as a stream and cannot be one is nothing that JSON could be made of.
        const stream = type === 'text/event-stream';
        const before = stage.upstream.calls.length;
        for (let run = 1; run <= 2; run += 1) {
          const answer = await asking(stage, path, body);
          if (stream && kind === 'chat') {
            assert.equal(answer.status, 502);
            continue;
          }
          assert.equal(answer.status, 200, kind);
          assert.deepEqual(answer.body, Buffer.from(answered));
        }
        assert.equal(stage.upstream.calls.length, before + 2, kind);
      }
    });
  }

  it('HTML for the missing items of a batch is 502 upstream_invalid, and what was cached stays', async () => {
    await using stage = await setStage();
    const embed = (...input: string[]) => stage.ask(EMBEDDINGS, { body: { model: 'e', input } });
    await embed('a');
    stage.upstream.answer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>');
    });
    const answer = await embed('a', 'b');
    assert.equal(answer.status, 502);
    assert.equal(codeOf(answer), 'upstream_invalid');
    assert.equal((await embed('a')).headers.get('x-cache'), 'HIT');
  });

  it('vectors of another length than those at hand make the whole batch be asked again, in one call', async () => {
    await using stage = await setStage();
    const ofLength =
      (length: number): Handler =>
      (request, response) => {
        const { input } = request.json() as { input: string[] };
        const data = input.map((_text, index) => ({
          object: 'embedding',
          index,
          embedding: Array(length).fill(0.5),
        }));
        sendJson(response, 200, {
          object: 'list',
          data,
          model: 'e',
          usage: { prompt_tokens: 1, total_tokens: 1 },
        });
      };
    const embed = (...input: string[]) => stage.ask(EMBEDDINGS, { body: { model: 'e', input } });
    stage.upstream.answer(ofLength(2));
    await embed('a', 'b');
    stage.upstream.answer(ofLength(3));
    const { data } = (await embed('a', 'b', 'c')).json() as { data: { embedding: number[] }[] };
    assert.deepEqual(
      data.map(({ embedding }) => embedding.length),
      [3, 3, 3],
    );
    assert.deepEqual(stage.upstream.calls.at(-1)?.json().input, ['a', 'b', 'c']);
    assert.equal((await embed('c', 'a')).headers.get('x-cache'), 'HIT');
  });

  it('set-cookie reaches who asked and nobody after', async () => {
    await using stage = await setStage();
    for (const [kind, path, body] of KINDS) {
      const first = await asking(stage, path, body);
      assert.match(first.headers.get('set-cookie') ?? '', /^__cf_bm=/, kind);
      const again = await asking(stage, path, body);
      assert.match(again.headers.get('x-cache') ?? '', /HIT/, kind);
      assert.equal(again.headers.get('set-cookie'), undefined, kind);
    }
  });

  it('more bytes than its length are no answer to the next request', async () => {
    const answer = (text: string) => `HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\n\r\n${text}`;
    let calls = 0;
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', () => {
        calls += 1;
        socket.write(answer(`answer ${calls}`) + answer('smuggled'));
      });
    });
    using there = await listening(server);
    await using stage = await setStage({
      upstreamSettings: { base_url: `http://127.0.0.1:${there.port}/v1` },
    });
    for (let run = 1; run <= 3; run += 1) {
      const got = await stage.ask('/v1/files');
      assert.equal(got.body.toString(), `answer ${run}`);
      await until(() => calls === run, 'one call each');
    }
  });
});
