import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as startRequest } from 'node:https';
import { describe, it } from 'node:test';
import { connect } from 'node:tls';
import { folderWith } from '../config/support.ts';
import { within } from '../support/deadline.ts';
import { chat } from '../support/http.ts';
import { connectRaw } from '../support/raw.ts';
import { startReprise } from '../support/reprise.ts';
import { LOCALHOST } from '../support/upstream/certificate.ts';
import { echoBytes, startWebSocketUpstream } from '../support/upstream/websocket.ts';
import { startUpstream } from '../support/upstream.ts';

function withTls(more: object = {}) {
  const folder = folderWith({ 'cert.pem': LOCALHOST.cert, 'key.pem': LOCALHOST.key });
  return { server: { tls: { cert: `${folder}/cert.pem`, key: `${folder}/key.pem` }, ...more } };
}

const trusting = { ca: LOCALHOST.cert };

describe('with server.tls', () => {
  it('the server speaks HTTPS with that certificate, and says so', async () => {
    await using upstream = await startUpstream();
    await using reprise = await startReprise({ upstream: upstream.url, profile: withTls() });
    assert.match(reprise.url, /^https:\/\/127\.0\.0\.1:\d+$/);
    for (const expected of ['MISS', 'HIT']) {
      const request = startRequest(`${reprise.url}/v1/chat/completions`, {
        ...trusting,
        method: 'POST',
        headers: { 'content-type': 'application/json' },
      });
      request.end(JSON.stringify(chat('x')));
      const [answer] = await within(once(request, 'response'), 'the answer');
      answer.resume();
      assert.equal(answer.httpVersion, '1.1');
      assert.equal(answer.headers['x-cache'], expected);
    }
  });

  it('a waiting time longer than any timer of Node’s is the longest one', async () => {
    const warnings: Error[] = [];
    const heard = (warning: Error) => warnings.push(warning);
    process.on('warning', heard);
    const timeouts = { headers: '30d', body: '30d', write: '30d' };
    await using upstream = await startUpstream();
    await using reprise = await startReprise({ upstream: upstream.url, profile: withTls({ timeouts }) });
    const options = { ...trusting, method: 'POST', headers: { 'content-type': 'application/json' } };
    const request = startRequest(`${reprise.url}/v1/chat/completions`, options);
    request.flushHeaders();
    await within(once(request, 'socket'), 'a connection');
    request.end(JSON.stringify(chat('x')));
    const [answer] = await within(once(request, 'response'), 'the answer');
    assert.equal(answer.resume().statusCode, 200);
    await within(once(answer, 'end'), 'its end');
    process.off('warning', heard);
    assert.deepEqual(warnings, []);
  });

  it('plain HTTP gets no answer, and harms nobody', async () => {
    await using upstream = await startUpstream();
    await using reprise = await startReprise({ upstream: upstream.url, profile: withTls() });
    using client = connectRaw(reprise.url, 'GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n');
    await client.ended;
    assert.equal(client.text().includes('HTTP/1.1'), false);
    const [answer] = await within(
      once(startRequest(`${reprise.url}/health/live`, trusting).end(), 'response'),
      'it',
    );
    assert.equal(answer.resume().statusCode, 200);
  });

  it('WebSockets are tunnelled', async () => {
    using upstream = await startWebSocketUpstream(echoBytes);
    await using reprise = await startReprise({ upstream: upstream.url, profile: withTls() });
    const socket = connect({ port: Number(new URL(reprise.url).port), host: '127.0.0.1', ...trusting });
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    socket.write(
      'GET /v1/realtime HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\nhello',
    );
    socket.once('data', () => socket.end());
    await within(once(socket, 'end'), 'the end');
    assert.match(text, /^HTTP\/1\.1 101 [\s\S]*\r\n\r\nhello$/);
  });
});
