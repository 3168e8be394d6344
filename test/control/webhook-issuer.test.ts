import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { send } from '../support/http.ts';
import { RecordingInvalidator } from '../support/recording-invalidator.ts';
import { startReprise } from '../support/reprise.ts';
import { listening } from '../support/upstream/listening.ts';

const BODY = '{"product":{"id":"UHJvZHVjdDo3"}}';

test('a delivery signed with a key that its issuer publishes is taken; with the issuer away its sender may try again', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwks = JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'one' }] });
  let isAway = true;
  using issuer = await listening(
    createServer((_request, response) => {
      if (isAway) response.writeHead(503).end();
      else response.end(jwks);
    }),
  );
  const webhook = {
    scheme: 'saleor',
    issuer: `http://127.0.0.1:${issuer.port}`,
    rules: [{ event: 'product_*', tags: [{ json: '$.product.id', tag: 'product:{value}' }] }],
  };
  const start = () =>
    startReprise({
      upstream: 'http://127.0.0.1:9/v1',
      profile: { webhooks: { shop: webhook } },
      invalidator: new RecordingInvalidator(),
    });
  const header = Buffer.from('{"alg":"RS256","b64":false,"crit":["b64"],"kid":"one"}').toString('base64url');
  const signature = sign('sha256', Buffer.from(`${header}.${BODY}`), privateKey).toString('base64url');
  const headers = { 'saleor-event': 'product_updated', 'saleor-signature': `${header}..${signature}` };
  const deliver = (url: string, body = BODY) =>
    send(`${url}/webhooks/shop`, { method: 'POST', headers, body });
  {
    await using reprise = await start();
    assert.equal((await deliver(reprise.url)).status, 502);
  }
  isAway = false;
  await using reprise = await start();
  const answer = await deliver(reprise.url);
  assert.deepEqual([answer.status, answer.json().tags], [200, ['product:UHJvZHVjdDo3']]);
  assert.equal((await deliver(reprise.url, `${BODY} `)).status, 401);
});
