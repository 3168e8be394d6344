import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Agent, createServer, request as startRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { until, within } from '../support/deadline.ts';
import { startReprise } from '../support/reprise.ts';
import { setStage } from '../support/stage.ts';

const MB = 1_000_000;
const SIZE = 512 * MB;

describe('everything else below /v1/', () => {
  it('passes through untouched: method, path, query, headers and body, both ways, and without a word of ours', async () => {
    await using stage = await setStage();
    stage.upstream.answer((_request, response) => {
      response
        .writeHead(299, { 'x-thing': 'kept', 'content-type': 'application/octet-stream' })
        .end(Buffer.from([0, 255, 1]));
    });
    const answer = await stage.ask('/v1/batches/b%20/cancel?x=%2f&y', {
      method: 'PATCH',
      body: '{"a" : 1}',
      headers: { 'accept-encoding': 'br', 'openai-beta': 'b' },
    });
    const [call] = stage.upstream.calls;
    assert.equal(call?.method, 'PATCH');
    assert.equal(call?.url, '/v1/batches/b%20/cancel?x=%2f&y');
    assert.equal(call?.body.toString(), '{"a" : 1}');
    assert.equal(call?.headers['accept-encoding'], 'br');
    assert.equal(call?.headers['content-length'], '9');
    assert.equal(answer.status, 299);
    assert.deepEqual(answer.body, Buffer.from([0, 255, 1]));
    assert.equal(answer.headers.get('x-thing'), 'kept');
    assert.equal(answer.headers.get('x-cache'), undefined);
  });

  it('redirects are passed on, not followed', async () => {
    await using stage = await setStage();
    stage.upstream.answer((_request, response) => {
      response.writeHead(307, { location: 'http://elsewhere.example/' }).end();
    });
    const answer = await stage.ask('/v1/files');
    assert.equal(answer.status, 307);
    assert.equal(answer.headers.get('location'), 'http://elsewhere.example/');
  });

  it('hop-by-hop headers, and those that connection names, stop here on both ways', async () => {
    await using stage = await setStage();
    stage.upstream.answer((_request, response) => {
      response
        .writeHead(200, { connection: 'x-mine', 'x-mine': '1', 'proxy-authenticate': 'Basic', 'x-end': '2' })
        .end();
    });
    const answer = await stage.ask('/v1/files', {
      headers: { connection: 'close, x-hop', 'x-hop': '1', te: 'trailers', 'x-far': '2' },
    });
    const [call] = stage.upstream.calls;
    assert.equal(call?.headers['x-hop'], undefined);
    assert.equal(call?.headers.te, undefined);
    assert.equal(call?.headers['x-far'], '2');
    assert.equal(answer.headers.get('x-mine'), undefined);
    assert.equal(answer.headers.get('proxy-authenticate'), undefined);
    assert.equal(answer.headers.get('x-end'), '2');
  });

  it('an upload of 512 MB streams through in bounded memory', async () => {
    await using counter = await countingUpstream();
    await using reprise = await startReprise({ upstream: counter.url });
    const chunk = Buffer.alloc(MB, 'x');
    const hash = createHash('sha256');
    const upload = startRequest(`${reprise.url}/v1/files`, {
      method: 'POST',
      agent: new Agent(),
      headers: { 'content-length': String(SIZE) },
    });
    const answered = once(upload, 'response');
    const before = process.memoryUsage().rss;
    let peak = before;
    for (let sent = 0; sent < SIZE; sent += MB) {
      hash.update(chunk);
      if (!upload.write(chunk)) await once(upload, 'drain');
      peak = Math.max(peak, process.memoryUsage().rss);
    }
    upload.end();
    const [response] = await within(answered, 'the answer', 60_000);
    let text = '';
    for await (const piece of response) text += piece;
    assert.deepEqual(JSON.parse(text), { bytes: SIZE, sha256: hash.digest('hex'), length: String(SIZE) });
    assert.ok(peak - before < 200 * MB, `memory grew by ${Math.round((peak - before) / MB)} MB`);
  });

  it('a binary answer of 512 MB waits for a slow client, and arrives whole', async () => {
    await using source = await countingUpstream();
    await using reprise = await startReprise({ upstream: source.url });
    const download = startRequest(`${reprise.url}/v1/files/f/content`, { agent: new Agent() }).end();
    const [response] = await within(once(download, 'response'), 'the head');
    // Nobody reads: the source has to stop long before its end.
    await within(
      until(() => source.stalled(), 'the source waits', 20_000),
      'the source waits',
      20_000,
    );
    assert.ok(source.sent() < 100 * MB, `${source.sent()} bytes had gone out to nobody`);
    const before = process.memoryUsage().rss;
    let peak = before;
    let got = 0;
    for await (const piece of response) {
      got += piece.length;
      peak = Math.max(peak, process.memoryUsage().rss);
    }
    assert.equal(got, SIZE);
    assert.ok(peak - before < 200 * MB, `memory grew by ${Math.round((peak - before) / MB)} MB`);
  });

  it('an answer before the upload is over reaches the client', async () => {
    await using stage = await setStage();
    await using early = await earlyUpstream();
    await using reprise = await startReprise({ upstream: early.url });
    const upload = startRequest(`${reprise.url}/v1/files`, {
      method: 'POST',
      agent: new Agent(),
      headers: { 'content-length': String(50 * MB) },
    });
    upload.on('error', () => undefined); // the connection may end under the rest of the upload
    upload.write(Buffer.alloc(MB));
    const [response] = await within(once(upload, 'response'), 'the answer');
    assert.equal(response.statusCode, 401);
    upload.destroy();
    assert.equal(stage.upstream.calls.length, 0);
  });

  it('a client that leaves ends the upstream call', async () => {
    await using stage = await setStage();
    const gate = stage.upstream.hold();
    const request = startRequest(`${stage.reprise.url}/v1/files`, { agent: new Agent() }).end();
    request.on('error', () => undefined);
    await within(gate.arrived(1), 'the call');
    request.destroy();
    await within(
      until(() => stage.upstream.sockets() === 0, 'the upstream connection is closed'),
      'closed',
    );
  });

  it('each upstream is also reachable under its name, and caches there as under /v1', async () => {
    await using stage = await setStage({
      profileFor: (origin) => ({ upstreams: { other: { base_url: `${origin}/v1` } } }),
    });
    const body = { model: 'e', input: 'x' };
    assert.equal((await stage.ask('/other/v1/embeddings', { body })).headers.get('x-cache'), 'MISS');
    assert.equal(stage.upstream.calls[0]?.url, '/v1/embeddings');
    assert.equal((await stage.ask('/other/v1/embeddings', { body })).headers.get('x-cache'), 'HIT');
    assert.equal((await stage.ask('/other/v1/files')).status, 404);
  });

  it('a call goes to the first upstream whose serves and models fit', async () => {
    await using second = await setStage();
    await using stage = await setStage({
      profile: {
        upstreams: {
          embedder: { base_url: second.upstream.url, serves: ['embeddings'], models: ['local-*'] },
        },
      },
    });
    for (const model of ['local-a', 'text-embedding-3-small'])
      await stage.ask('/v1/embeddings', { body: { model, input: 'x' } });
    assert.deepEqual(
      second.upstream.calls.map((call) => call.json().model),
      ['local-a'],
    );
    assert.deepEqual(
      stage.upstream.calls.map((call) => call.json().model),
      ['text-embedding-3-small'],
    );
  });
});

/** Counts what is uploaded without keeping it, and sends 512 MB as fast as they are taken. */
async function countingUpstream() {
  let sent = 0;
  let stalled = false;
  const server = createServer(async (request, response) => {
    if (request.method === 'POST') {
      const hash = createHash('sha256');
      let bytes = 0;
      for await (const chunk of request) {
        hash.update(chunk);
        bytes += chunk.length;
      }
      response.end(
        JSON.stringify({ bytes, sha256: hash.digest('hex'), length: request.headers['content-length'] }),
      );
      return;
    }
    response.writeHead(200, { 'content-type': 'audio/mpeg', 'content-length': String(SIZE) });
    const chunk = Buffer.alloc(MB);
    for (; sent < SIZE; sent += MB) {
      if (response.write(chunk)) continue;
      stalled = true;
      await once(response, 'drain');
      stalled = false;
    }
    response.end();
  });
  return { ...(await listening(server)), sent: () => sent, stalled: () => stalled };
}

/** Refuses before it has read the request. */
async function earlyUpstream() {
  return await listening(
    createServer((request, response) => {
      response.writeHead(401, { 'content-type': 'application/json' }).end('{}');
      request.resume();
    }),
  );
}

async function listening(server: ReturnType<typeof createServer>) {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
