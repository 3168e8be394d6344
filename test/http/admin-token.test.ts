import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chat, send } from '../support/http.ts';
import { connectRaw } from '../support/raw.ts';
import { startReprise } from '../support/reprise.ts';
import { setStage } from '../support/stage.ts';
import { startUpstream } from '../support/upstream.ts';

const TOKEN = 'correct-horse-battery';
const env = { REPRISE_ADMIN_TOKEN: TOKEN };

test('the admin token on a data path is 401 and goes nowhere: not upstream, not to disk, not into the log', async () => {
  await using upstream = await startUpstream();
  await using reprise = await startReprise({ upstream: upstream.url, env });
  for (const path of [
    '/v1/chat/completions',
    '/v1/files',
    '/default/v1/chat/completions',
    '/openai/v1/embeddings',
  ]) {
    for (const headers of [
      { authorization: `Bearer ${TOKEN}` },
      { authorization: TOKEN },
      { 'api-key': TOKEN },
      { 'x-api-key': TOKEN },
      { authorization: 'Bearer sk-mine', 'x-goog-api-key': TOKEN },
    ]) {
      const answer = await send(reprise.url + path, { body: chat('x'), headers });
      assert.equal(answer.status, 401, `${path} ${JSON.stringify(headers)}`);
      const error = answer.json().error as { code: string; message: string };
      assert.equal(error.code, 'unauthorized');
      assert.match(error.message, /admin token.*not passed on/);
      assert.ok(!answer.body.includes(TOKEN));
    }
  }
  assert.equal(upstream.calls.length, 0);
  assert.ok(!JSON.stringify(reprise.events).includes(TOKEN));
  // Others go on as ever.
  assert.equal((await send(`${reprise.url}/v1/chat/completions`, { body: chat('x') })).status, 200);
});

test('without an admin token set no credential is taken for one', async () => {
  await using stage = await setStage();
  const headers = { authorization: `Bearer ${TOKEN}` };
  assert.equal((await stage.ask('/v1/chat/completions', { body: chat('x'), headers })).status, 200);
});

test('in the gateway, too, the admin token is no client key', async () => {
  await using upstream = await startUpstream();
  const keys = [{ name: 'web', hash: `sha256:${'x'.repeat(43)}` }];
  await using reprise = await startReprise({
    upstream: upstream.url,
    upstreamSettings: { api_key: 'sk-operator' },
    profile: { access: { mode: 'gateway', keys } },
    env,
  });
  const answer = await send(`${reprise.url}/v1/chat/completions`, {
    body: chat('x'),
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  assert.equal(answer.status, 401);
  assert.match(answer.body.toString(), /This is the admin token/);
});

test('with a port of its own the control plane has health too, and none of the API; the data port keeps both', async () => {
  await using upstream = await startUpstream();
  await using reprise = await startReprise({ upstream: upstream.url, profile: { admin: { port: 0 } } });
  assert.notEqual(reprise.controlUrl, reprise.url);
  assert.equal((await send(`${reprise.controlUrl}/health/ready`)).status, 200);
  assert.equal((await send(`${reprise.url}/health/ready`)).status, 200);
  assert.equal((await send(`${reprise.url}/v1/chat/completions`, { body: chat('x') })).status, 200);
  assert.equal((await send(`${reprise.controlUrl}/v1/chat/completions`, { body: chat('x') })).status, 404);
  assert.equal(upstream.calls.length, 1);
  const lost = await send(`${reprise.url}/cache/invalidate`, { body: { tags: ['product:7'] } });
  assert.equal(lost.status, 404);
  assert.match(lost.body.toString(), /the control plane at the port of admin\.port/);
});

test('while answers are finished at a stop, a connection that is open already is told so and closed, and the others then', async () => {
  await using upstream = await startUpstream();
  await using reprise = await startReprise({ upstream: upstream.url });
  const ready = 'GET /health/ready HTTP/1.1\r\nHost: h\r\n\r\n';
  using known = connectRaw(reprise.url, ready);
  using unused = connectRaw(reprise.url, ready);
  await known.got(/^HTTP\/1.1 200 /);
  await unused.got(/^HTTP\/1.1 200 /);
  const gate = upstream.hold();
  const asked = send(`${reprise.url}/v1/chat/completions`, { body: chat('x') });
  await gate.arrived(1);
  const stopped = reprise.stop();
  known.socket.write(ready);
  await known.got(/HTTP\/1.1 503 .*connection: close.*"status":"stopping"/is);
  await known.ended;
  await assert.rejects(send(`${reprise.url}/health/ready`), /ECONNREFUSED/);
  assert.equal(unused.socket.readableEnded, false);
  gate.release();
  assert.equal((await asked).status, 200);
  await stopped;
  await unused.ended;
});

test('while answers are finished at a stop, the port of the control plane still says so', async () => {
  await using upstream = await startUpstream();
  await using reprise = await startReprise({ upstream: upstream.url, profile: { admin: { port: 0 } } });
  const gate = upstream.hold();
  const asked = send(`${reprise.url}/v1/chat/completions`, { body: chat('x') });
  await gate.arrived(1);
  const stopped = reprise.stop();
  const ready = await send(`${reprise.controlUrl}/health/ready`);
  assert.equal(ready.status, 503);
  assert.equal(ready.json().status, 'stopping');
  gate.release();
  assert.equal((await asked).status, 200);
  await stopped;
  await assert.rejects(send(`${reprise.controlUrl}/health/ready`), /ECONNREFUSED/);
});
