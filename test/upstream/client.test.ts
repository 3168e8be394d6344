import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { createSecureServer } from 'node:http2';
import { after, describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { createUpstreamClient, type UpstreamClient } from '../../src/upstream/client.ts';
import { until, within } from '../support/deadline.ts';
import { LOCALHOST } from '../support/upstream/certificate.ts';
import { answering, cutAfterChunks, cutAfterHead, cutBeforeHead } from '../support/upstream/faults.ts';
import { listening } from '../support/upstream/listening.ts';
import { callTo, collect } from '../support/upstream/sink.ts';
import { startUpstream } from '../support/upstream.ts';

const TIMEOUTS = { connect: 2_000, headers: 60_000, idle: 60_000 };

const clients: UpstreamClient[] = [];
after(() => Promise.all(clients.map((client) => client.close())));

function startClient(env: NodeJS.ProcessEnv = {}): UpstreamClient {
  const client = createUpstreamClient(TIMEOUTS, env);
  clients.push(client);
  return client;
}

describe('a call upstream', () => {
  it('tells head, data and end, in this order, and nothing before it has returned', async () => {
    await using upstream = await startUpstream();
    upstream.answer(answering(201, 'text', { 'X-A': 'grün', 'set-cookie': 'a=1' }));
    const told = collect(startClient(), callTo(upstream.origin));
    assert.deepEqual(told.events, []);
    await within(told.done, 'the answer');
    assert.deepEqual(told.events, ['head', 'data', 'end']);
    assert.equal(told.status, 201);
    assert.equal(told.body.toString(), 'text');
    assert.deepEqual(told.headers.slice(0, 2), [
      ['x-a', 'grün'],
      ['set-cookie', 'a=1'],
    ]);
  });

  it('sends method, path, query, headers and body as they are, and adds host and length', async () => {
    await using upstream = await startUpstream();
    const told = collect(
      startClient(),
      callTo(upstream.origin, {
        path: '/v1/a%2fb/./c;d?x=%zz&y',
        method: 'PATCH',
        headers: ['X-Twice', '1', 'x-twice', 'größe', 'Authorization', 'Bearer k'],
        body: Buffer.from([0, 255, 10]),
      }),
    );
    await within(told.done, 'the answer');
    const [call] = upstream.calls;
    assert.equal(call?.method, 'PATCH');
    assert.equal(call?.url, '/v1/a%2fb/./c;d?x=%zz&y');
    assert.deepEqual(call?.body, Buffer.from([0, 255, 10]));
    assert.deepEqual(call?.rawHeaders, [
      ...['host', new URL(upstream.origin).host, 'connection', 'keep-alive'],
      ...['X-Twice', '1', 'x-twice', 'größe', 'Authorization', 'Bearer k', 'content-length', '3'],
    ]);
  });

  it('interim answers are not for the caller', async () => {
    await using upstream = await startUpstream();
    upstream.answer((_request, response) => {
      response.writeProcessing();
      response.writeEarlyHints({ link: '</a>; rel=preload' });
      response.writeHead(200, { 'x-final': '1' }).end('x');
    });
    const told = collect(startClient(), callTo(upstream.origin));
    await within(told.done, 'the answer');
    assert.deepEqual([told.events, told.status], [['head', 'data', 'end'], 200]);
    assert.deepEqual(told.headers[0], ['x-final', '1']);
  });

  for (const status of [204, 304, 400, 401, 404, 429, 500, 503]) {
    it(`an answer of ${status} is an answer, not an error, and is asked for once`, async () => {
      await using upstream = await startUpstream();
      upstream.answer(answering(status, '', { 'retry-after': '0' }));
      const told = collect(startClient(), callTo(upstream.origin));
      await within(told.done, 'the answer');
      assert.deepEqual([told.events, told.status], [['head', 'end'], status]);
      assert.equal(upstream.count(), 1);
    });
  }

  for (const status of [301, 302, 303, 307, 308]) {
    it(`a redirect of ${status} is passed on, not followed`, async () => {
      await using upstream = await startUpstream();
      upstream.answer(answering(status, 'there', { location: `${upstream.url}/elsewhere` }));
      const told = collect(startClient(), callTo(upstream.origin));
      await within(told.done, 'the answer');
      assert.equal(told.status, status);
      assert.deepEqual(told.headers[0], ['location', `${upstream.url}/elsewhere`]);
      assert.equal(told.body.toString(), 'there');
      assert.equal(upstream.count(), 1);
    });
  }

  it('an answer with a content coding comes as it is', async () => {
    await using upstream = await startUpstream();
    upstream.answer(answering(200, Buffer.from([31, 139, 0]), { 'content-encoding': 'gzip' }));
    const told = collect(startClient(), callTo(upstream.origin));
    await within(told.done, 'the answer');
    assert.deepEqual(told.body, Buffer.from([31, 139, 0]));
  });

  it('speaks HTTP/1.1 also to a server that would rather have HTTP/2, and hears all its headers', async () => {
    const trusted = getCACertificates();
    setDefaultCACertificates([...trusted, LOCALHOST.cert]);
    after(() => setDefaultCACertificates(trusted));
    const server = createSecureServer({ ...LOCALHOST, allowHTTP1: true }, (request, response) => {
      response.setHeader('content-type', 'text/event-stream');
      response.end(request.httpVersion);
    });
    using there = await listening(server);
    const told = collect(startClient(), callTo(`https://localhost:${there.port}`));
    await within(told.done, 'the answer');
    assert.equal(told.error, undefined);
    assert.equal(told.body.toString(), '1.1');
    assert.deepEqual(told.headers[0], ['content-type', 'text/event-stream']);
  });
});

describe('a call upstream that breaks', () => {
  for (const [when, fault, events] of [
    ['before the head', cutBeforeHead, ['error']],
    ['after the head', cutAfterHead, ['head', 'error']],
    ['after three chunks', cutAfterChunks(3), ['head', 'data', 'error']],
  ] as const) {
    it(`${when} is one error after what had come, and is not made again by itself`, async () => {
      await using upstream = await startUpstream();
      upstream.answer(fault);
      const body = Buffer.from('{"model":"m","messages":[],"stream":true}');
      const told = collect(startClient(), callTo(upstream.origin, { path: '/v1/chat/completions', body }));
      await within(told.done, 'the error');
      assert.deepEqual(told.events, events);
      assert.equal(told.error?.code, 'upstream_unreachable');
      assert.equal(upstream.count(), 1);
    });
  }

  it('is not made again by itself on another connection, when the one that was kept open has gone', async () => {
    await using upstream = await startUpstream();
    const client = startClient();
    for (const method of ['GET', 'POST']) {
      upstream.answer(undefined);
      await within(collect(client, callTo(upstream.origin, { path: '/v1/models' })).done, 'the first');
      assert.equal(upstream.sockets(), 1);
      upstream.answer(cutBeforeHead);
      const before = upstream.count();
      const body = method === 'GET' ? null : Buffer.from('{}');
      const told = collect(client, callTo(upstream.origin, { method, body }));
      await within(told.done, 'the error');
      assert.equal(told.error?.code, 'upstream_unreachable');
      assert.equal(upstream.count(), before + 1);
    }
  });

  it('leaves the client in order: the next call is answered', async () => {
    await using upstream = await startUpstream();
    const client = startClient();
    for (const fault of [cutBeforeHead, cutAfterHead]) {
      upstream.answer(fault, '/broken');
      await within(collect(client, callTo(upstream.origin, { path: '/broken' })).done, 'the error');
      const told = collect(
        client,
        callTo(upstream.origin, { path: '/v1/models', method: 'GET', body: null }),
      );
      await within(told.done, 'the answer');
      assert.equal(told.status, 200);
    }
  });
});

describe('an aborted call', () => {
  it('tells nothing more, even if all has come, and its end would be told next', async () => {
    await using upstream = await startUpstream();
    upstream.answer(answering(200, 'text'));
    const events: string[] = [];
    const come = Promise.withResolvers<void>();
    const call = startClient().send(callTo(upstream.origin), {
      head: () => events.push('head'),
      data() {
        events.push('data');
        // Behind the bytes that were read, which are all.
        process.nextTick(() => {
          call.abort();
          come.resolve();
        });
      },
      end: () => events.push('end'),
      error: () => events.push('error'),
    });
    await within(come.promise, 'the answer');
    for (let turns = 0; turns < 3; turns += 1) await turn();
    assert.deepEqual(events, ['head', 'data']);
  });

  it('before anything has come tells nothing more, and closes the connection', async () => {
    await using upstream = await startUpstream();
    const gate = upstream.hold();
    const told = collect(startClient(), callTo(upstream.origin));
    await within(gate.arrived(1), 'the call');
    told.abort();
    await until(() => upstream.sockets() === 0, 'the connection is closed');
    assert.deepEqual(told.events, []);
  });

  it('within its body tells nothing more, and closes the connection', async () => {
    await using upstream = await startUpstream();
    const gate = upstream.holdChunks(2);
    const body = Buffer.from('{"model":"m","messages":[],"stream":true}');
    const told = collect(startClient(), callTo(upstream.origin, { path: '/v1/chat/completions', body }));
    await within(gate.arrived(1), 'two chunks are out');
    await until(() => told.events.includes('data'), 'a chunk has come');
    told.abort();
    told.abort();
    await until(() => upstream.sockets() === 0, 'the connection is closed');
    assert.deepEqual(told.events, ['head', 'data']);
  });

  it('at once is never sent', async () => {
    await using upstream = await startUpstream();
    const client = startClient();
    const told = collect(client, callTo(upstream.origin));
    told.abort();
    await within(collect(client, callTo(upstream.origin)).done, 'another call');
    assert.deepEqual(told.events, []);
    assert.equal(upstream.count(), 1);
  });

  it('while its connection is being made is never sent', async () => {
    await using upstream = await startUpstream();
    const client = startClient();
    const told = collect(client, callTo(upstream.origin));
    // By now it has been handed on, and no connection can stand yet.
    await Promise.resolve();
    told.abort();
    await within(collect(client, callTo(upstream.origin)).done, 'another call');
    assert.deepEqual(told.events, []);
    assert.equal(upstream.count(), 1);
  });
});

describe('proxies of the environment', () => {
  it('are used but for the hosts of NO_PROXY, and asked for the whole address', async () => {
    await using upstream = await startUpstream();
    const seen: string[] = [];
    const proxy = createServer((request, response) => {
      seen.push(`${request.method} ${request.url} ${request.headers['x-a']}`);
      response.end('of the proxy');
    });
    using there = await listening(proxy);
    const HTTP_PROXY = `http://127.0.0.1:${there.port}`;
    const call = callTo(upstream.origin, { headers: ['x-a', '1'] });
    const told = collect(startClient({ HTTP_PROXY }), call);
    await within(told.done, 'the proxy');
    assert.equal(told.body.toString(), 'of the proxy');
    assert.deepEqual(seen, [`POST ${upstream.origin}/v1/x 1`]);
    assert.equal(upstream.count(), 0);
    for (const env of [{ HTTP_PROXY, NO_PROXY: '127.0.0.1' }, { HTTP_PROXY: '' }, {}]) {
      await within(collect(startClient(env), call).done, 'the upstream');
    }
    assert.equal(upstream.count(), 3);
    assert.equal(seen.length, 1);
  });
});
