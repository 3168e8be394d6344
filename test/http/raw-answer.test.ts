import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { send } from '../support/http.ts';
import { setStage } from '../support/stage.ts';

test('a client that is gone when it is refused ends its own connection, and nothing else', async () => {
  await using stage = await setStage({ profile: { admin: { port: 0 } } });
  const webSocket = 'upgrade: websocket\r\nconnection: upgrade\r\n';
  for (const [url, head] of [
    [stage.reprise.url, 'CONNECT other.example:443 HTTP/1.1\r\n'],
    [stage.reprise.controlUrl, `GET /v1/realtime HTTP/1.1\r\n${webSocket}`],
  ] as const) {
    for (let times = 0; times < 100; times += 1) {
      const client = connect(Number(new URL(url).port), '127.0.0.1');
      client.on('error', () => client.destroy());
      await once(client, 'connect');
      client.write(`${head}host: 127.0.0.1\r\n\r\n`, () => client.resetAndDestroy());
      await once(client, 'close');
    }
    assert.equal((await send(`${url}/health/live`)).status, 200);
  }
});
