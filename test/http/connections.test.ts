import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { describe, it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { connect, type TLSSocket } from 'node:tls';
import { watchConnections } from '../../src/http/connections.ts';
import { folderWith } from '../config/support.ts';
import { until, within } from '../support/deadline.ts';
import { chat } from '../support/http.ts';
import { connectRaw } from '../support/raw.ts';
import { startReprise } from '../support/reprise.ts';
import { setStage } from '../support/stage.ts';
import { LOCALHOST } from '../support/upstream/certificate.ts';
import { answering, silent } from '../support/upstream/faults.ts';
import { listening } from '../support/upstream/listening.ts';

const impatient = (timeouts: object, more: object = {}) => ({ profile: { server: { timeouts, ...more } } });

/** A POST with a JSON body, of which it says `length` bytes. */
function post(path: string, body: string, length = body.length): string {
  return `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n${body}`;
}

// Bytes that a slow client takes at a time.
const STEP = 65_536;

const CHAT = '/v1/chat/completions';
const HI = JSON.stringify(chat('hi'));
const STREAM = JSON.stringify(chat('hi', { stream: true }));

function errorIn(text: string): { code: string; message: string } {
  return JSON.parse(text.slice(text.indexOf('\r\n\r\n'))).error;
}

describe('a client that goes silent', () => {
  it('within the head of a request gets 408, and its connection is closed', async () => {
    await using stage = await setStage(impatient({ headers: '200ms' }));
    using client = connectRaw(stage.reprise.url, 'GET /v1/models HTTP/1.1\r\nHost: x\r\nX-');
    await client.ended;
    assert.match(client.text(), /^HTTP\/1\.1 408 Request Timeout\r\n[\s\S]*\r\nconnection: close\r\n/);
    assert.equal(errorIn(client.text()).code, 'invalid_request');
    assert.match(
      errorIn(client.text()).message,
      /not complete within 0\.2 s \(setting server\.timeouts\.headers\)/,
    );
  });

  it('without having sent a byte is told nothing: its first request would take it for the answer', async () => {
    await using stage = await setStage(impatient({ headers: '200ms' }));
    using client = connectRaw(stage.reprise.url);
    await client.ended;
    assert.equal(client.text(), '');
  });

  it('without a byte behind its TLS handshake, likewise', async () => {
    const { cert, key } = LOCALHOST;
    const folder = folderWith({ 'cert.pem': cert, 'key.pem': key });
    const tls = { cert: `${folder}/cert.pem`, key: `${folder}/key.pem` };
    await using stage = await setStage(impatient({ headers: '200ms' }, { tls }));
    const socket = connect({ port: Number(new URL(stage.reprise.url).port), host: '127.0.0.1', ca: cert });
    let bytes = 0;
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    await within(once(socket, 'close'), 'the end');
    assert.equal(bytes, 0);
  });

  for (const [what, path] of [
    ['a body that is read whole', CHAT],
    ['a body that is passed through', '/v1/files'],
  ] as const) {
    it(`within ${what} gets 408, its connection is closed, and nothing goes on for it`, async () => {
      await using stage = await setStage(impatient({ body: '200ms' }));
      using client = connectRaw(stage.reprise.url, post(path, '{"model":', 1_000));
      await client.ended;
      assert.match(client.text(), /^HTTP\/1\.1 408 Request Timeout\r\n[\s\S]*\r\nconnection: close\r\n/);
      assert.match(errorIn(client.text()).message, /for 0\.2 s \(setting server\.timeouts\.body\)/);
      await until(() => stage.reprise.running() === 0, 'nothing runs any more');
      await until(() => stage.upstream.sockets() === 0, 'the upstream call is over');
      assert.equal(stage.upstream.calls.length, 0);
    });
  }

  it('within a body of chunks, likewise', async () => {
    await using stage = await setStage(impatient({ body: '200ms' }));
    const head = `POST ${CHAT} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`;
    using client = connectRaw(stage.reprise.url, `${head}3\r\nabc\r\n`);
    await client.ended;
    assert.match(client.text(), /^HTTP\/1\.1 408 /);
  });

  it('and takes nothing of an answer that waits for it is cut: passed through or not, whole or not', async () => {
    const large = JSON.stringify({ object: 'list', padding: 'x'.repeat(15_000_000) });
    for (const path of ['/v1/files/f/content?bytes=60000000', '/v1/large', '/v1/models']) {
      await using stage = await setStage(impatient({ write: '300ms' }));
      stage.upstream.answer(answering(200, Buffer.alloc(60_000_000)), '/large');
      stage.upstream.answer(answering(200, large, { 'content-type': 'application/json' }), '/models');
      using client = connectRaw(stage.reprise.url);
      client.socket.pause();
      client.socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
      await until(() => stage.upstream.calls.length === 1, 'the call');
      await until(() => stage.reprise.running() === 0, 'it is cut');
      if (path !== '/v1/models')
        await until(() => stage.upstream.sockets() === 0, 'the upstream call is over');
    }
  });

  it('and takes nothing of a stream that others follow is cut alone', async () => {
    await using stage = await setStage(impatient({ write: '300ms' }));
    const piece = `data: ${JSON.stringify({ padding: 'x'.repeat(100_000) })}\n\n`;
    const gate = Promise.withResolvers<void>();
    stage.upstream.answer(async (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (let at = 0; at < 150; at += 1) if (!response.write(piece)) await once(response, 'drain');
      await gate.promise;
      response.end('data: [DONE]\n\n');
    });
    using stalled = connectRaw(stage.reprise.url);
    stalled.socket.pause();
    stalled.socket.write(post(CHAT, STREAM));
    await until(() => stage.upstream.calls.length === 1, 'the call');
    const followed = stage.ask(CHAT, { body: JSON.parse(STREAM), headers: { authorization: undefined } });
    await until(() => stage.reprise.running() === 2, 'both run');
    await until(() => stage.reprise.running() === 1, 'one is cut');
    gate.resolve();
    const { headers, body } = await followed;
    assert.equal(headers.get('x-cache'), 'COALESCED');
    assert.match(body.subarray(-16).toString(), /data: \[DONE\]\n\n$/);
    assert.equal(stage.upstream.calls.length, 1);
  });
});

it('a connection that nothing is asked on any more is closed when its time is over', async () => {
  const server = createServer((_request, response) => response.end('x'));
  server.keepAliveTimeout = 100;
  watchConnections(server, { headers: 60_000, body: 60_000, write: 60_000 });
  using listens = await listening(server);
  using client = connectRaw(`http://127.0.0.1:${listens.port}`, post('/', '{}'));
  await client.ended;
  assert.match(client.text(), /^HTTP\/1\.1 200 /);
});

describe('a client that is slow', () => {
  it('and sends its body bit by bit is never cut', async () => {
    await using stage = await setStage(impatient({ body: '300ms', write: '300ms' }));
    for (const path of [CHAT, '/v1/other']) {
      using client = connectRaw(stage.reprise.url, post(path, '', HI.length));
      for (const bit of HI.match(/.{1,8}/g) ?? []) {
        await wait(60); // what is tried is time: six times the longest silence goes by, none of it at once
        client.socket.write(bit);
      }
      await client.got(/^HTTP\/1\.1 (200|404)/);
    }
  });

  it('and waits long for the upstream is not cut', async () => {
    await using stage = await setStage(impatient({ headers: '100ms', body: '100ms', write: '100ms' }));
    const gate = stage.upstream.hold();
    using client = connectRaw(stage.reprise.url, post(CHAT, HI));
    await within(gate.arrived(1), 'the call');
    await wait(500); // five times the longest silence
    gate.release();
    await client.got(/^HTTP\/1\.1 200/);
  });

  it('and whose body the upstream does not take is not cut', async () => {
    const body = 30_000_000;
    const go = Promise.withResolvers<void>();
    using source = await listening(
      createServer(async (request, response) => {
        await go.promise;
        for await (const _chunk of request);
        response.end('all read');
      }),
    );
    await using reprise = await startReprise({
      upstream: `http://127.0.0.1:${source.port}/v1`,
      ...impatient({ body: '400ms', write: '400ms' }),
    });
    using client = connectRaw(reprise.url, post('/v1/files', '', body));
    client.socket.write(Buffer.alloc(body));
    await wait(1_600); // four times the longest silence
    go.resolve();
    await client.got(/all read/);
  });

  for (const secure of [false, true]) {
    it(`and takes a large whole answer bit by bit is never cut, ${secure ? 'with' : 'without'} TLS`, async () => {
      const folder = folderWith({ 'cert.pem': LOCALHOST.cert, 'key.pem': LOCALHOST.key });
      const tls = { cert: `${folder}/cert.pem`, key: `${folder}/key.pem` };
      await using stage = await setStage({
        ...impatient({ write: '800ms' }, secure ? { tls } : {}),
      });
      const answer = { object: 'list', padding: 'x'.repeat(15_000_000) };
      stage.upstream.answer(answering(200, JSON.stringify(answer), { 'content-type': 'application/json' }));
      const { port } = new URL(stage.reprise.url);
      const ask = 'GET /v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
      for (const expected of ['MISS', 'HIT']) {
        using client = secure
          ? secured(connect({ port: Number(port), host: '127.0.0.1', ca: LOCALHOST.cert }))
          : connectRaw(stage.reprise.url);
        const { socket } = client;
        socket.removeAllListeners('data');
        socket.write(ask);
        let taken = 0;
        let start = '';
        const began = performance.now();
        socket.pause();
        const ended = new Promise((resolve) => socket.once('end', resolve));
        socket.on('data', (chunk: Buffer) => {
          if (taken === 0) start = chunk.toString('latin1');
          const steps = Math.floor(taken / STEP);
          taken += chunk.length;
          if (Math.floor(taken / STEP) === steps) return;
          socket.pause();
          setTimeout(() => socket.resume(), 8);
        });
        socket.resume();
        await within(ended, 'the end', 20_000);
        assert.match(start, new RegExp(`x-cache: ${expected}`));
        assert.ok(taken > 15_000_000, `${taken} bytes came`);
        assert.ok(performance.now() - began > 800, 'it took longer than a silence may');
      }
    });
  }
});

/** A TLS client in the place of a raw one. */
function secured(socket: TLSSocket): { readonly socket: TLSSocket } & Disposable {
  return { socket, [Symbol.dispose]: () => socket.destroy() };
}

describe('the request after one whose body nobody wanted', () => {
  it('is read from where it begins: after a 413', async () => {
    await using stage = await setStage(impatient({}, { max_body: '100B' }));
    const head = `POST ${CHAT} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`;
    // A body that looks like a request itself.
    const large = 'GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(10_000);
    for (const first of [post(CHAT, large), `${head}${large.length.toString(16)}\r\n${large}\r\n0\r\n\r\n`]) {
      using client = connectRaw(stage.reprise.url, first);
      await client.got(/^HTTP\/1\.1 413 [\s\S]*request_too_large/);
      client.socket.write('GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
      await client.ended;
      assert.match(client.text(), /"status":"ok"/);
      assert.equal(client.text().match(/HTTP\/1\.1 \d+/g)?.length, 2);
    }
    assert.equal(stage.upstream.calls.length, 0);
  });

  it('is read from where it begins: after an answer that came before the body had ended', async () => {
    using early = await listening(
      createServer((_request, response) => response.writeHead(401, { connection: 'close' }).end('no')),
    );
    await using reprise = await startReprise({ upstream: `http://127.0.0.1:${early.port}/v1` });
    const size = 5_000_000;
    using client = connectRaw(reprise.url, post('/v1/files', 'x', size));
    await client.got(/^HTTP\/1\.1 401 /);
    client.socket.write(Buffer.alloc(size - 1, 'x'));
    client.socket.write('GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    await client.ended;
    assert.match(client.text(), /"status":"ok"/);
    assert.equal(client.text().match(/HTTP\/1\.1 \d+/g)?.length, 2);
  });

  it('never comes if the rest of the body does not: the connection is closed', async () => {
    await using stage = await setStage(impatient({ body: '200ms' }, { max_body: '100B' }));
    using client = connectRaw(stage.reprise.url, post(CHAT, 'x', 1_000));
    await client.got(/^HTTP\/1\.1 413 /);
    await client.ended;
    assert.equal(client.text().match(/HTTP\/1\.1/g)?.length, 1);
  });
});

describe('what is no request', () => {
  for (const [what, bytes, message, status = 400] of [
    ['another protocol', 'HELO there\r\n\r\n', /cannot be read/],
    [
      'a length that is none',
      'POST /v1/files HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n',
      /cannot be read/,
    ],
    [
      'a head that is too large',
      `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`,
      /larger than is taken/,
      431,
    ],
    [
      'a chunk that is none',
      `POST ${CHAT} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`,
      /cannot be read/,
    ],
  ] satisfies [string, string, RegExp, number?][]) {
    it(`${what} gets ${status} in OpenAI's shape, and the connection is closed`, async () => {
      await using stage = await setStage();
      using client = connectRaw(stage.reprise.url, bytes);
      await client.ended;
      assert.ok(client.text().startsWith(`HTTP/1.1 ${status} `), client.text());
      assert.equal(errorIn(client.text()).code, 'invalid_request');
      assert.match(errorIn(client.text()).message, message);
      await until(() => stage.reprise.running() === 0, 'nothing runs any more');
    });
  }

  it('behind a request that is being answered is never taken for its answer, nor is half a request', async () => {
    for (const second of ['HELO there\r\n\r\n', post(CHAT, 'x', 100)]) {
      await using stage = await setStage(impatient({ body: '200ms' }));
      stage.upstream.answer(silent);
      using client = connectRaw(stage.reprise.url, post('/v1/files', '{}') + second);
      await client.ended;
      assert.equal(client.text(), '');
      await until(() => stage.reprise.running() === 0, 'nothing runs any more');
    }
  });
});
