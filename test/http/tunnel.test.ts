import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { ManualClock } from '../support/clock.ts';
import { until, within } from '../support/deadline.ts';
import { send } from '../support/http.ts';
import { connectRaw } from '../support/raw.ts';
import { startReprise, type TestReprise } from '../support/reprise.ts';
import { setStage } from '../support/stage.ts';
import { answering } from '../support/upstream/faults.ts';
import { echoBytes, startWebSocketUpstream } from '../support/upstream/websocket.ts';

/** A handshake, with more header lines if they are given. */
function handshake(path: string, ...more: string[]): string {
  return [
    `GET ${path} HTTP/1.1`,
    'Host: reprise',
    'Connection: Upgrade, x-hop',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ...more,
    '',
    '',
  ].join('\r\n');
}

/** The error that a raw answer of ours holds. */
function errorIn(text: string): { code: string; message: string } {
  return JSON.parse(text.slice(text.indexOf('\r\n\r\n'))).error;
}

async function onlyItem<T>(list: readonly T[], what: string): Promise<T> {
  await until(() => list.length > 0, what);
  const [item] = list;
  if (item === undefined) throw new Error(what);
  return item;
}

const idle = (reprise: TestReprise) => until(() => reprise.running() === 0, 'nothing runs any more');

describe('a WebSocket below /v1/', () => {
  it('is tunnelled: messages go both ways, and a close is clean', async () => {
    using upstream = await startWebSocketUpstream();
    await using reprise = await startReprise({ upstream: upstream.url });
    const socket = new WebSocket(`${reprise.url.replace('http', 'ws')}/v1/realtime?model=m%20x`, [
      'realtime',
      'b',
    ]);
    await within(once(socket, 'open'), 'the handshake');
    assert.equal(socket.protocol, 'realtime');
    for (const message of ['Grüße', 'x'.repeat(40_000)]) {
      const answered = once(socket, 'message');
      socket.send(message);
      const [{ data }] = await within(answered, 'the echo');
      assert.equal(data, message);
    }
    const closed = once(socket, 'close');
    socket.close(1000, 'done');
    const [{ code, reason, wasClean }] = await within(closed, 'the close');
    assert.deepEqual([code, reason, wasClean], [1000, 'done', true]);
    assert.equal(upstream.handshakes[0]?.url, '/v1/realtime?model=m%20x');
    await idle(reprise);
    const event = reprise.events.findLast(({ kind }) => kind === 'answered');
    assert.ok(event?.kind === 'answered');
    assert.deepEqual([event.endpoint, event.status, event.outcome], ['tunnel', 101, 'RELAY']);
  });

  it('goes to the upstream its path names, below /openai/ too', async () => {
    using one = await startWebSocketUpstream();
    using other = await startWebSocketUpstream();
    const profile = { upstreams: { other: { base_url: other.url } } };
    await using reprise = await startReprise({ upstream: one.url, profile });
    for (const path of ['/openai/realtime?deployment=d', '/other/v1/realtime']) {
      using client = connectRaw(reprise.url, handshake(path));
      await client.got(/^HTTP\/1\.1 101 Switching Protocols\r\n/);
    }
    assert.deepEqual(
      [one, other].map(({ handshakes }) => handshakes.map(({ url }) => url)),
      [['/openai/realtime?deployment=d'], ['/v1/realtime']],
    );
  });

  it('its headers go on as those of any call, and those of the answer come back', async () => {
    using upstream = await startWebSocketUpstream();
    await using reprise = await startReprise({ upstream: upstream.url });
    const sent = [
      'Authorization: Bearer sk-1',
      'Origin: https://shop.example',
      'X-Hop: 1',
      'X-Cache-Ttl: 1s',
    ];
    using client = connectRaw(reprise.url, handshake('/v1/realtime', ...sent));
    await client.got(/\r\n\r\n/);
    const head = client.text().toLowerCase();
    assert.match(head, /\r\nsec-websocket-accept: s3pplmbitxaq9kygzzhzrbk\+xoo=\r\n/);
    assert.match(head, /\r\nconnection: upgrade\r\nupgrade: websocket\r\n/);
    assert.match(head, /\r\nx-upstream: yes\r\n/);
    assert.doesNotMatch(head, /access-control/);
    const headers = upstream.handshakes[0]?.headers;
    assert.equal(headers?.authorization, 'Bearer sk-1');
    assert.equal(headers.origin, 'https://shop.example');
    assert.equal(headers.host, new URL(upstream.url).host);
    assert.equal(headers['x-hop'], undefined);
    assert.equal(headers['x-cache-ttl'], undefined);
  });

  it('what was sent with the handshake, on both sides, is not lost', async () => {
    using upstream = await startWebSocketUpstream((socket) => {
      socket.write('welcome');
      socket.pipe(socket);
    });
    await using reprise = await startReprise({ upstream: upstream.url });
    using client = connectRaw(reprise.url, `${handshake('/v1/realtime')}early`);
    await client.got(/\r\n\r\nwelcomeearly$/);
  });

  it('an end of one side leaves the other its say', async () => {
    let hear = '';
    using upstream = await startWebSocketUpstream((socket) => {
      socket.end('that is all');
      socket.on('data', (chunk: Buffer) => {
        hear += chunk.toString();
      });
    });
    await using reprise = await startReprise({ upstream: upstream.url });
    using client = connectRaw(reprise.url, handshake('/v1/realtime'));
    await client.got(/that is all$/);
    await client.ended;
    client.socket.end('mine too');
    await until(() => hear === 'mine too', 'the rest arrives');
    await idle(reprise);
  });

  it('a side that breaks breaks the other', async () => {
    using upstream = await startWebSocketUpstream(echoBytes);
    await using reprise = await startReprise({ upstream: upstream.url });
    using left = connectRaw(reprise.url, handshake('/v1/realtime'));
    const there = await onlyItem(upstream.sockets, 'the first tunnel');
    there.resetAndDestroy();
    await left.ended;
    await idle(reprise);

    using client = connectRaw(reprise.url, handshake('/v1/realtime'));
    await client.got(/\r\n\r\n/);
    client.socket.resetAndDestroy();
    await until(() => upstream.sockets[1]?.destroyed === true, 'the upstream side is closed');
    await idle(reprise);
  });

  it('each side is held back by the slower one, and gets every byte', async () => {
    const size = 60_000_000;
    using upstream = await startWebSocketUpstream((socket) => void socket.pause());
    await using reprise = await startReprise({ upstream: upstream.url });
    using client = connectRaw(reprise.url, handshake('/v1/realtime'));
    await client.got(/\r\n\r\n/);
    const sent = new Promise((resolve) => client.socket.end(Buffer.alloc(size), () => resolve('sent')));
    // Nobody reads: most of it has to stay where it is.
    const there = await onlyItem(upstream.sockets, 'the tunnel');
    const early = within(sent, 'all of it goes out', 500);
    await assert.rejects(early, /nothing after 500 ms/);
    let taken = 0;
    there.on('data', (chunk: Buffer) => {
      taken += chunk.length;
    });
    there.on('end', () => there.end()).resume();
    await until(() => taken === size, 'all of it arrives');
    await idle(reprise);
  });

  it('may be silent for longer than any request, but a client that takes nothing is cut', async () => {
    using upstream = await startWebSocketUpstream(echoBytes);
    const profile = { server: { timeouts: { headers: '100ms', body: '100ms', write: '100ms' } } };
    await using reprise = await startReprise({ upstream: upstream.url, profile });
    using client = connectRaw(reprise.url, handshake('/v1/realtime'));
    await client.got(/\r\n\r\n/);
    await wait(500); // five times the longest silence
    client.socket.write('still here');
    await client.got(/still here$/);
    client.socket.pause();
    (await onlyItem(upstream.sockets, 'the tunnel')).write(Buffer.alloc(60_000_000));
    await idle(reprise);
  });

  it('what the upstream answers instead of agreeing is passed on as it came', async () => {
    await using stage = await setStage();
    const body = JSON.stringify({ error: { message: 'no such key', padding: 'x'.repeat(300_000) } });
    stage.upstream.answer(
      answering(401, body, { 'x-request-id': 'req-upstream', 'access-control-allow-origin': '*' }),
    );
    using client = connectRaw(stage.reprise.url, handshake('/v1/realtime'));
    await client.ended;
    const [head = '', rest] = client.text().split('\r\n\r\n', 2);
    assert.match(head, /^HTTP\/1\.1 401 Unauthorized\r\n/);
    assert.match(head, /\r\nx-request-id: req-upstream/);
    assert.doesNotMatch(head, /access-control/);
    assert.equal(rest, body);
    await idle(stage.reprise);
  });

  it('nothing at the upstream is 502, and an open breaker 503', async () => {
    using upstream = await startWebSocketUpstream();
    const nowhere = upstream.url;
    upstream[Symbol.dispose]();
    const upstreamSettings = { breaker: { failures: 2, probe: '10s' } };
    const clock = new ManualClock();
    await using reprise = await startReprise({ upstream: nowhere, upstreamSettings, clock });
    const ask = async () => {
      using client = connectRaw(reprise.url, handshake('/v1/realtime'));
      await client.ended;
      return client.text();
    };
    for (let turn = 0; turn < 2; turn += 1) {
      const text = await ask();
      assert.match(text, /^HTTP\/1\.1 502 Bad Gateway\r\n/);
      assert.equal(errorIn(text).code, 'upstream_unreachable');
    }
    const refused = await ask();
    assert.match(refused, /^HTTP\/1\.1 503 Service Unavailable\r\n/);
    assert.match(refused, /\r\nretry-after: 10\r\n/);
    assert.equal(errorIn(refused).code, 'upstream_unavailable');
    await idle(reprise);
  });

  it('a handshake that the upstream agrees to closes its breaker', async () => {
    using upstream = await startWebSocketUpstream(echoBytes);
    const clock = new ManualClock();
    await using reprise = await startReprise({
      upstream: upstream.url,
      upstreamSettings: { breaker: { failures: 1, probe: '2s' } },
      clock,
    });
    const state = async () => {
      const { checks } = (await send(`${reprise.url}/health/ready`)).json();
      return Reflect.get(Object(checks), 'upstream:default').state;
    };
    assert.equal((await send(`${reprise.url}/v1/files`)).status, 500);
    assert.equal(await state(), 'degraded');
    clock.advance(2_000);
    using client = connectRaw(reprise.url, handshake('/v1/realtime'));
    await client.got(/^HTTP\/1\.1 101 /);
    assert.equal(await state(), 'ok');
  });

  it('elsewhere is 404, and a bad target 400', async () => {
    await using stage = await setStage();
    for (const [path, status, code] of [
      ['/realtime', '404 Not Found', 'not_found'],
      ['/health/ready', '404 Not Found', 'not_found'],
      ['/v1/../realtime', '400 Bad Request', 'invalid_request'],
    ] as const) {
      using client = connectRaw(stage.reprise.url, handshake(path));
      await client.ended;
      assert.ok(client.text().startsWith(`HTTP/1.1 ${status}\r\n`), client.text());
      assert.equal(errorIn(client.text()).code, code);
    }
    assert.equal(stage.upstream.calls.length, 0);
    await idle(stage.reprise);
  });

  it('a client that leaves before the answer ends the call', async () => {
    await using stage = await setStage();
    for (const leave of ['destroy', 'resetAndDestroy'] as const) {
      const gate = stage.upstream.hold();
      using client = connectRaw(stage.reprise.url, handshake('/v1/realtime'));
      await within(gate.arrived(1), 'the handshake');
      client.socket[leave]();
      await idle(stage.reprise);
      await until(() => stage.upstream.sockets() === 0, 'the upstream connection is closed');
    }
  });

  it('a stop waits for it as for an answer, and then cuts it', async () => {
    using upstream = await startWebSocketUpstream(echoBytes);
    const clock = new ManualClock();
    await using reprise = await startReprise({ upstream: upstream.url, clock });
    using client = connectRaw(reprise.url, handshake('/v1/realtime'));
    await client.got(/\r\n\r\n/);
    const stopped = reprise.stop();
    client.socket.write('still here');
    await client.got(/still here$/);
    clock.advance(2_000);
    await within(stopped, 'the stop');
    await client.ended;
    await until(() => upstream.sockets[0]?.destroyed === true, 'the upstream side is closed');
  });
});

describe('a request that offers another protocol than WebSocket', () => {
  it('is answered in HTTP/1.1, its body read, and its connection kept', async () => {
    await using stage = await setStage();
    const body = '{"model":"e","input":"x"}';
    const asked = [
      'POST /v1/embeddings HTTP/1.1',
      'Host: reprise',
      'Connection: Upgrade, HTTP2-Settings',
      'Upgrade: h2c',
      'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
      'Content-Type: application/json',
      `Content-Length: ${body.length}`,
      '',
      body,
    ].join('\r\n');
    using client = connectRaw(stage.reprise.url, asked);
    await client.got(/x-cache: MISS/);
    client.socket.write(asked);
    await client.got(/x-cache: HIT/);
    assert.equal(stage.upstream.calls[0]?.headers.upgrade, undefined);
    assert.equal(stage.upstream.calls[0]?.headers['http2-settings'], undefined);
  });

  it('a WebSocket handshake with a body is an ordinary request', async () => {
    await using stage = await setStage();
    stage.upstream.answer(answering(426, 'no'));
    using client = connectRaw(stage.reprise.url, `${handshake('/v1/realtime', 'Content-Length: 2')}{}`);
    await client.got(/^HTTP\/1\.1 426 Upgrade Required\r\n[\s\S]*\r\n\r\n/);
    assert.equal(stage.upstream.calls[0]?.body.toString(), '{}');
    assert.equal(stage.upstream.calls[0]?.headers.upgrade, undefined);
  });
});
