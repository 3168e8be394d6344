import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { createUpstreamClient } from '../../src/upstream/client.ts';
import { within } from '../support/deadline.ts';
import { silent } from '../support/upstream/faults.ts';
import { callTo, collect, type Told } from '../support/upstream/sink.ts';
import { startWebSocketUpstream } from '../support/upstream/websocket.ts';
import { startUpstream } from '../support/upstream.ts';

/** A proxy on a free port. */
interface Proxy extends Disposable {
  readonly url: string;
}

/** What a proxy does with calls to plain HTTP, and with the tunnels that others ask for. */
interface Conduct {
  readonly forward?: RequestListener;
  readonly tunnel?: (socket: Duplex, target: string) => void;
}

async function startProxy({ forward = passOn, tunnel }: Conduct = {}): Promise<Proxy> {
  const server = createServer(forward).listen(0, '127.0.0.1');
  server.on('connect', (asked, socket) => tunnel?.(socket, asked.url ?? ''));
  await once(server, 'listening');
  return {
    url: `http://someone:secret@127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.dispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

const passOn: RequestListener = (asked, response) => {
  const onward = request(asked.url ?? '', { method: asked.method, headers: asked.rawHeaders }, (answer) => {
    response.writeHead(answer.statusCode ?? 0, answer.rawHeaders);
    answer.pipe(response);
  });
  onward.on('error', () => response.destroy());
  asked.pipe(onward);
};

const PATIENT = { connect: 5_000, headers: 5_000, idle: 5_000 };

/** Makes one call with `{}` for its body through `proxy`, whose answer is waited for `headers` milliseconds. */
async function through(proxy: Proxy, origin: string, sent: string[] = [], headers = 5_000): Promise<Told> {
  const client = createUpstreamClient(
    { ...PATIENT, headers },
    { HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url },
  );
  const told = collect(client, callTo(origin, { headers: sent }));
  await within(told.done, 'the answer', 10_000);
  await client.close();
  return told;
}

describe('a call through a proxy of the environment', () => {
  it('keeps all headers of one name', async () => {
    await using upstream = await startUpstream();
    using proxy = await startProxy();
    await through(proxy, upstream.origin, ['x-tag', 'a', 'authorization', 'Bearer x', 'x-tag', 'b']);
    const headers = upstream.calls[0]?.headers;
    assert.equal(headers?.['x-tag'], 'a, b');
    assert.equal(headers?.authorization, 'Bearer x');
  });

  it('says how long a body is, as its caller does', async () => {
    await using upstream = await startUpstream();
    using proxy = await startProxy();
    const { error } = await through(proxy, upstream.origin, ['content-length', '2']);
    assert.equal(error, undefined);
    assert.equal(upstream.calls[0]?.headers['content-length'], '2');
  });

  it('waits as long as is set, and no longer', async () => {
    await using upstream = await startUpstream();
    using proxy = await startProxy();
    upstream.answer(silent);
    const { error } = await through(proxy, upstream.origin, [], 50);
    assert.equal(error?.code, 'upstream_timeout');
  });

  it('that asks for a WebSocket goes through a tunnel, also without TLS', async () => {
    using upstream = await startWebSocketUpstream((socket) => socket.end('hello'));
    const asked: string[] = [];
    using proxy = await startProxy({
      tunnel(socket, target) {
        asked.push(target);
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        const onward = connect(upstream.port, '127.0.0.1');
        socket.pipe(onward).pipe(socket);
      },
    });
    const client = createUpstreamClient(PATIENT, { HTTP_PROXY: proxy.url });
    const upgraded = Promise.withResolvers<string>();
    client.send(
      callTo(`http://127.0.0.1:${upstream.port}`, { method: 'GET', body: null, upgrade: 'websocket' }),
      {
        upgraded: (_headers, socket) => text(socket).then(upgraded.resolve, upgraded.reject),
        head: (status) => upgraded.reject(new Error(`answered with ${status}`)),
        data: () => undefined,
        end: () => undefined,
        error: upgraded.reject,
      },
    );
    assert.equal(await within(upgraded.promise, 'the upgrade'), 'hello');
    assert.deepEqual(asked, [`127.0.0.1:${upstream.port}`]);
    await client.close();
  });

  for (const [what, origin, conduct, reason] of [
    [
      'wants other credentials',
      'http://api.invalid',
      { forward: (_asked, response) => void response.writeHead(407).end() },
      /the proxy before it wants other credentials/,
    ],
    [
      'refuses to connect',
      'https://api.invalid',
      { tunnel: (socket) => void socket.end('HTTP/1.1 403 Forbidden\r\n\r\n') },
      /the proxy before it refuses to connect to it/,
    ],
    [
      'breaks the tunnel',
      'https://api.invalid',
      { tunnel: (socket) => void socket.destroy() },
      /the proxy before it broke the connection/,
    ],
  ] satisfies [string, string, Conduct, RegExp][]) {
    it(`that ${what} is upstream_unreachable, says so, and tells no password`, async () => {
      using proxy = await startProxy(conduct);
      const { error } = await through(proxy, origin);
      assert.equal(error?.code, 'upstream_unreachable');
      assert.match(error.message, reason);
      assert.match(error.message, /HTTPS_PROXY/);
      assert.doesNotMatch(error.message, /secret/);
    });
  }
});
