import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { parseStandardKey } from '../../../src/invalidation/schemes/standard.ts';
import { deliveryOf, NOW, payloadOf, schemeOf, signed } from '../../support/deliveries.ts';

// What the senders' own documents, libraries and source say, against what is made of it here.

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

test('Standard Webhooks: the example of the specification is genuine', async () => {
  // spec/standard-webhooks.md and the tests of its libraries.
  const headers = {
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  };
  const body = '{"test": 2432232314}';
  for (const secret of [SECRET, SECRET.replace('whsec_', '')]) {
    const scheme = schemeOf('standard', { secret: [secret] });
    const verdict = await scheme.verify(deliveryOf(headers, body), 1_614_265_330_000);
    assert.deepEqual(verdict, { kind: 'genuine' });
  }
});

test('Standard Webhooks: its library and we take what the other has signed', async () => {
  const library = new Webhook(SECRET);
  const scheme = schemeOf('standard', { secret: [SECRET] });
  const now = new Date();
  for (const payload of ['{}', '{"type":"a","data":{"id":12345678901234567890}}', '{"n":"Grün ☃"}']) {
    const headers = {
      'webhook-id': 'msg_1',
      'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
      'webhook-signature': library.sign('msg_1', now, payload),
    };
    assert.equal((await scheme.verify(deliveryOf(headers, payload), now.getTime())).kind, 'genuine');
    const ours = signed(scheme, { payload, event: 'a', now: now.getTime() });
    assert.deepEqual(library.verify(ours.body, { ...ours.headers }), JSON.parse(ours.body));
  }
});

test('Standard Webhooks: whatever is done to a signature, its library and we say the same of it', async () => {
  const library = new Webhook(SECRET);
  const scheme = schemeOf('standard', { secret: [SECRET] });
  const now = Date.now();
  const { headers, body } = signed(scheme, { now });
  const good = headers['webhook-signature'] ?? '';
  const [, digest = ''] = good.split(',');
  const others = [
    good,
    `v1,AAAA ${good}`,
    `v2,${digest} ${good}`,
    `v2,${digest}`,
    `v1a,${digest}`,
    digest,
    'v1,',
    'v1',
    'v1,dawfeoifkpqwoekfpqoekf',
    good.slice(0, 8),
    `${good},x`,
    `  ${good}  `,
    good.replace('v1', 'V1'),
  ];
  for (const signature of others) {
    const changed = { ...headers, 'webhook-signature': signature };
    const ours = (await scheme.verify(deliveryOf(changed, body), now)).kind === 'genuine';
    assert.equal(ours, isTakenBy(library, body, changed), signature);
  }
});

test('Standard Webhooks: ed25519 signatures are checked with the public key', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = Buffer.from(String(publicKey.export({ format: 'jwk' }).x), 'base64url');
  const scheme = schemeOf('standard', { secret: [SECRET, `whpk_${raw.toString('base64')}`] });
  const body = '{"type":"product.updated"}';
  const timestamp = String(NOW / 1000);
  const signature = sign(null, Buffer.from(`msg_1.${timestamp}.${body}`), privateKey).toString('base64');
  const verdict = async (text: string, signatures: string) => {
    const headers = {
      'webhook-id': 'msg_1',
      'webhook-timestamp': timestamp,
      'webhook-signature': signatures,
    };
    return (await scheme.verify(deliveryOf(headers, text), NOW)).kind;
  };
  assert.equal(await verdict(body, `v1a,${signature}`), 'genuine');
  assert.equal(await verdict(body, `v1,AAAA v1a,${signature}`), 'genuine');
  assert.equal(await verdict(`${body} `, `v1a,${signature}`), 'refused');
  assert.equal(await verdict(body, `v1,${signature}`), 'refused');
  assert.equal(await verdict(body, 'v1a,AAAA'), 'refused');
  const mine = schemeOf('standard', { secret: [`whpk_${raw.toString('base64')}`] });
  assert.equal(mine.sign({ event: 'e', id: 'i', payload: '{}', now: NOW }), undefined);
});

test('Standard Webhooks: a key is whsec_ or whpk_ with base64, and nothing else', () => {
  assert.equal(parseStandardKey(SECRET)?.kind, 'secret');
  assert.equal(parseStandardKey(`whpk_${Buffer.alloc(32, 1).toString('base64')}`)?.kind, 'public');
  for (const text of ['', 'whsec_', 'whsec_ä', 'whsec_a b', 'whpk_AAAA', `whsk_${'A'.repeat(44)}`, 'v1,x']) {
    assert.equal(parseStandardKey(text), undefined, text);
  }
});

test('Stripe: a signature by the recipe of its documents is genuine, also beside others', async () => {
  const secret = 'whsec_test_secret';
  const body = '{\n  "id": "evt_test_webhook",\n  "object": "event",\n  "type": "product.updated"\n}';
  const scheme = schemeOf('stripe', { secret: [secret] });
  const v1 = createHmac('sha256', secret).update(`1614265330.${body}`).digest('hex');
  const verdict = async (header: string, now = 1_614_265_330_000) =>
    (await scheme.verify(deliveryOf({ 'Stripe-Signature': header }, body), now)).kind;
  for (const header of [
    `t=1614265330,v1=${v1}`,
    `t=1614265330,v1=${'0'.repeat(64)},v1=${v1}`,
    `t=1614265330, v1=${v1}, v0=x`,
  ]) {
    assert.equal(await verdict(header), 'genuine', header);
  }
  for (const header of [
    `t=1614265330,v0=${v1}`,
    `t=1614265331,v1=${v1}`,
    `v1=${v1}`,
    `t=,v1=${v1}`,
    'bad_header',
  ]) {
    assert.equal(await verdict(header), 'refused', header);
  }
  const payload = payloadOf(body);
  const delivery = deliveryOf({}, body);
  assert.deepEqual(
    [scheme.event(delivery, payload), scheme.id(delivery, payload)],
    ['product.updated', 'evt_test_webhook'],
  );
});

test('GitHub: the example of its documents is genuine', async () => {
  // docs.github.com, "Validating webhook deliveries", "Testing the webhook payload validation".
  const scheme = schemeOf('github', { secret: ["It's a Secret to Everybody"] });
  const signature = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17';
  const delivery = deliveryOf({ 'X-Hub-Signature-256': signature }, 'Hello, World!');
  assert.equal((await scheme.verify(delivery, NOW)).kind, 'genuine');
  const sha1 = deliveryOf({ 'X-Hub-Signature': 'sha1=0' }, 'Hello, World!');
  assert.equal((await scheme.verify(sha1, NOW)).kind, 'refused');
});

test('hmac: the test cases of RFC 4231 are genuine', async () => {
  const cases = [
    ['sha256', '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'],
    [
      'sha512',
      '164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737',
    ],
  ] as const;
  for (const [algorithm, digest] of cases) {
    const scheme = schemeOf('hmac', { secret: ['Jefe'], header: 'x-signature', algorithm });
    const body = 'what do ya want for nothing?';
    for (const written of [digest, digest.toUpperCase()]) {
      assert.equal((await scheme.verify(deliveryOf({ 'x-signature': written }, body), NOW)).kind, 'genuine');
    }
  }
});

test('hmac: what Slack signs can be described', async () => {
  // docs.slack.dev, "Verifying requests from Slack": v0:{timestamp}:{body}.
  const scheme = schemeOf('hmac', {
    secret: ['8f742231b10e8888abcd99yyyzzz85a5'],
    header: 'x-slack-signature',
    prefix: 'v0=',
    signed: 'v0:{timestamp}:{body}',
    timestamp: { header: 'x-slack-request-timestamp', tolerance: 300_000 },
  });
  const body = '{"type":"event_callback"}';
  const signature = createHmac('sha256', '8f742231b10e8888abcd99yyyzzz85a5')
    .update(`v0:1531420618:${body}`)
    .digest('hex');
  const headers = { 'x-slack-signature': `v0=${signature}`, 'x-slack-request-timestamp': '1531420618' };
  assert.equal((await scheme.verify(deliveryOf(headers, body), 1_531_420_618_000)).kind, 'genuine');
});

test('hmac: a time in milliseconds is one, too', async () => {
  const scheme = schemeOf('hmac', {
    secret: ['s'],
    header: 'x-signature',
    signed: '{timestamp}{body}',
    timestamp: { header: 'x-time', tolerance: 1_000 },
  });
  const headers = {
    'x-signature': createHmac('sha256', 's').update(`${NOW}{}`).digest('hex'),
    'x-time': String(NOW),
  };
  assert.equal((await scheme.verify(deliveryOf(headers, '{}'), NOW + 999)).kind, 'genuine');
  assert.equal((await scheme.verify(deliveryOf(headers, '{}'), NOW + 2_000)).kind, 'refused');
  for (const time of ['', 'soon', '-1', '1e9', ' 1', '99999999999999']) {
    const said = { ...headers, 'x-time': time };
    assert.equal((await scheme.verify(deliveryOf(said, '{}'), NOW)).kind, 'refused', time);
  }
});

for (const family of ['X-Shopify-', 'shopify-']) {
  test(`Shopify: its ${family}* headers are read, of which the signature and the topic may not be missing`, async () => {
    const scheme = schemeOf('shopify', { secret: ['hush'] });
    const body = '{"id":788032119674292922,"title":"Example"}';
    const headers = {
      [`${family}Hmac-Sha256`]: createHmac('sha256', 'hush').update(body).digest('base64'),
      [`${family}Topic`]: 'products/update',
      [`${family}Shop-Domain`]: 'shop.myshopify.com',
      [`${family}API-Version`]: '2026-10',
      [`${family}Webhook-Id`]: 'b54557e4-bdd9-4b37-8a5f-bf7d70bcd043',
    };
    const delivery = deliveryOf(headers, body);
    assert.equal((await scheme.verify(delivery, NOW)).kind, 'genuine');
    assert.equal(scheme.event(delivery, payloadOf('{}')), 'products/update');
    assert.equal(scheme.id(delivery, payloadOf('{}')), 'b54557e4-bdd9-4b37-8a5f-bf7d70bcd043');
    for (const name of Object.keys(headers)) {
      const { [name]: _, ...others } = headers;
      const expected = /Hmac|Topic/.test(name) ? 'refused' : 'genuine';
      assert.equal((await scheme.verify(deliveryOf(others, body), NOW)).kind, expected, name);
    }
    const hex = createHmac('sha256', 'hush').update(body).digest('hex');
    const inHex = deliveryOf({ ...headers, [`${family}Hmac-Sha256`]: hex }, body);
    assert.equal((await scheme.verify(inHex, NOW)).kind, 'refused');
  });
}

test('WooCommerce: its signature is the HMAC of the body in base64, and its ping has none', async () => {
  const scheme = schemeOf('woocommerce', { secret: ['s3cr3t'] });
  const body = '{"id":794}';
  const delivery = deliveryOf(
    {
      'X-WC-Webhook-Topic': 'product.deleted',
      'X-WC-Webhook-Signature': createHmac('sha256', 's3cr3t').update(body).digest('base64'),
      'X-WC-Webhook-Delivery-ID': 'c4ca4238a0b923820dcc509a6f75849b',
    },
    body,
  );
  assert.equal((await scheme.verify(delivery, NOW)).kind, 'genuine');
  assert.equal(scheme.event(delivery, payloadOf('{}')), 'product.deleted');
  assert.equal((await scheme.verify(deliveryOf({}, 'webhook_id=1'), NOW)).kind, 'ping');
  for (const other of [
    'webhook_id=1&a=b',
    'webhook_id=',
    'webhook_id=x',
    ' webhook_id=1',
    '',
    '{"id":794}',
  ]) {
    assert.equal((await scheme.verify(deliveryOf({}, other), NOW)).kind, 'refused', other);
  }
  const signedPing = deliveryOf({ 'X-WC-Webhook-Signature': 'x' }, 'webhook_id=1');
  assert.equal((await scheme.verify(signedPing, NOW)).kind, 'refused');
});

test('a token is compared whole, and the name of its scheme in any case', async () => {
  const scheme = schemeOf('bearer', { secret: ['right-token'] });
  const verdict = async (authorization: string) =>
    (await scheme.verify(deliveryOf({ authorization }, '{}'), NOW)).kind;
  for (const header of ['Bearer right-token', 'bearer right-token', 'BEARER  right-token ']) {
    assert.equal(await verdict(header), 'genuine', header);
  }
  for (const header of [
    'Bearer right-toke',
    'Bearer right-token2',
    'right-token',
    'Basic right-token',
    'Bearer ',
    'Bearer RIGHT-TOKEN',
  ]) {
    assert.equal(await verdict(header), 'refused', header);
  }
});

function isTakenBy(library: Webhook, body: string, headers: Record<string, string>): boolean {
  try {
    library.verify(body, headers);
    return true;
  } catch {
    return false;
  }
}
