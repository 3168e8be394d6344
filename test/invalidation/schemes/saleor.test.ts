import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { test } from 'node:test';
import { saleor } from '../../../src/invalidation/schemes/saleor.ts';
import { RepriseError } from '../../../src/shared/errors.ts';
import { deliveryOf, NOW, payloadOf } from '../../support/deliveries.ts';

const BODY = '{"product":{"id":"UHJvZHVjdDo3"}}';
const MINUTE = 60_000;

test('with a secret it is the HMAC in hex, under the names of old versions and new ones', async () => {
  const scheme = saleor({ secret: ['s'] }, () => Promise.reject(new Error('not asked')));
  const signature = createHmac('sha256', 's').update(BODY).digest('hex');
  for (const prefix of ['Saleor-', 'X-Saleor-']) {
    const delivery = deliveryOf(
      { [`${prefix}Signature`]: signature, [`${prefix}Event`]: 'product_updated' },
      BODY,
    );
    assert.equal((await scheme.verify(delivery, NOW)).kind, 'genuine');
    assert.equal(scheme.event(delivery, payloadOf('{}')), 'product_updated');
  }
});

test('a detached signature by the issuer is genuine, and the keys are fetched once', async () => {
  const shop = new Shop('one');
  const scheme = shop.scheme();
  for (let time = 0; time < 3; time++) {
    assert.equal(await verdict(scheme, jws(shop.key('one'), 'one')), 'genuine');
  }
  assert.deepEqual(shop.asked, ['https://shop.example/.well-known/jwks.json']);
});

test('an altered body, another key, another algorithm and a forged header are refused', async () => {
  const shop = new Shop('one', 'two');
  const scheme = shop.scheme();
  const good = jws(shop.key('one'), 'one');
  const [header = '', , signature = ''] = good.split('.');
  assert.equal(await verdict(scheme, good, `${BODY} `), 'refused');
  assert.equal(await verdict(scheme, jws(shop.key('two'), 'one')), 'refused');
  const none = Buffer.from('{"alg":"none","b64":false,"crit":["b64"]}').toString('base64url');
  // The public key as the secret of an HMAC: a classic.
  const pem = shop.publicKey('one').export({ type: 'spki', format: 'pem' });
  const hs = Buffer.from('{"alg":"HS256","b64":false,"crit":["b64"],"kid":"one"}').toString('base64url');
  const forged = createHmac('sha256', pem).update(`${hs}.${BODY}`).digest('base64url');
  const embedded = jws(shop.key('two'), undefined, { jwk: shop.publicKey('two').export({ format: 'jwk' }) });
  const elsewhere = jws(shop.key('two'), 'two', { jku: 'https://evil.example/jwks.json', kid: 'evil' });
  const attached = `${header}.${Buffer.from(BODY).toString('base64url')}.${signature}`;
  for (const bad of [
    `${none}..`,
    `${none}..AAAA`,
    `${hs}..${forged}`,
    embedded,
    elsewhere,
    attached,
    'x',
    '..',
    '',
  ]) {
    assert.equal(await verdict(scheme, bad), 'refused', bad);
  }
  assert.ok(shop.asked.every((url) => url === 'https://shop.example/.well-known/jwks.json'));
});

test('a key not yet known is looked for at the issuer, at most once a minute', async () => {
  const shop = new Shop('one');
  const scheme = shop.scheme();
  assert.equal(await verdict(scheme, jws(shop.key('one'), 'one')), 'genuine');
  shop.publish('two');
  const renewed = jws(shop.key('two'), 'two');
  assert.equal(await verdict(scheme, renewed, BODY, NOW + MINUTE - 1), 'refused');
  assert.equal(shop.asked.length, 1);
  assert.equal(await verdict(scheme, renewed, BODY, NOW + MINUTE), 'genuine');
  const rubbish = jws(shop.key('two'), 'nobody');
  for (let time = 0; time < 20; time++) {
    assert.equal(await verdict(scheme, rubbish, BODY, NOW + MINUTE + time), 'refused');
  }
  assert.equal(shop.asked.length, 2);
});

test('deliveries that wait for one fetch share it', async () => {
  const shop = new Shop('one');
  const scheme = shop.scheme();
  const verdicts = await Promise.all(
    Array.from({ length: 10 }, () => verdict(scheme, jws(shop.key('one'), 'one'))),
  );
  assert.deepEqual(new Set(verdicts), new Set(['genuine']));
  assert.equal(shop.asked.length, 1);
});

test('while the issuer cannot be reached the sender is told to try again, and it is asked again soon', async () => {
  const shop = new Shop('one');
  const scheme = shop.scheme();
  shop.fails = true;
  const good = jws(shop.key('one'), 'one');
  const unreachable = (thrown: unknown) =>
    thrown instanceof RepriseError && thrown.code === 'upstream_unreachable';
  await assert.rejects(verdict(scheme, good), unreachable);
  await assert.rejects(verdict(scheme, good, BODY, NOW + 1), unreachable);
  assert.equal(shop.asked.length, 1);
  shop.fails = false;
  assert.equal(await verdict(scheme, good, BODY, NOW + 5_000), 'genuine');
});

test('keys that are withdrawn are trusted for an hour, and longer only while the issuer cannot be asked', async () => {
  const shop = new Shop('one');
  const scheme = shop.scheme();
  const good = jws(shop.key('one'), 'one');
  assert.equal(await verdict(scheme, good), 'genuine');
  shop.withdraw('one');
  assert.equal(await verdict(scheme, good, BODY, NOW + 60 * MINUTE), 'genuine');
  shop.fails = true;
  assert.equal(await verdict(scheme, good, BODY, NOW + 61 * MINUTE), 'genuine');
  shop.fails = false;
  assert.equal(await verdict(scheme, good, BODY, NOW + 62 * MINUTE), 'refused');
});

test('what the issuer publishes beside good keys does no harm', async () => {
  const shop = new Shop('one');
  const scheme = shop.scheme();
  shop.extra = [null, 7, {}, { kty: 'RSA', kid: 'broken' }, { kty: 'oct', k: 'AAAA', kid: 'secret' }];
  assert.equal(await verdict(scheme, jws(shop.key('one'), 'one')), 'genuine');
  assert.equal(await verdict(scheme, jws(shop.key('one'), 'broken')), 'refused');
});

/** A shop that publishes the keys of these ids. */
class Shop {
  readonly asked: string[] = [];
  extra: readonly unknown[] = [];
  fails = false;
  readonly #pairs = new Map<string, { publicKey: KeyObject; privateKey: KeyObject }>();
  readonly #published: Set<string>;

  constructor(...ids: string[]) {
    this.#published = new Set(ids);
  }

  scheme() {
    return saleor({ secret: [], issuer: 'https://shop.example' }, (url) => {
      this.asked.push(url);
      if (this.fails) return Promise.reject(new Error('no route'));
      const keys = [...this.#published].map((kid) => ({
        ...this.publicKey(kid).export({ format: 'jwk' }),
        kid,
      }));
      return Promise.resolve({ keys: [...this.extra, ...keys] });
    });
  }

  publish(id: string): void {
    this.#published.add(id);
  }

  withdraw(id: string): void {
    this.#published.delete(id);
  }

  key(id: string): KeyObject {
    return this.#pair(id).privateKey;
  }

  publicKey(id: string): KeyObject {
    return this.#pair(id).publicKey;
  }

  #pair(id: string) {
    const pair = this.#pairs.get(id) ?? generateKeyPairSync('rsa', { modulusLength: 2048 });
    this.#pairs.set(id, pair);
    return pair;
  }
}

/** A signature as Saleor makes it (PyJWT with a detached payload, RFC 7797). */
function jws(key: KeyObject, kid: string | undefined, more: object = {}): string {
  const header = Buffer.from(
    JSON.stringify({ alg: 'RS256', b64: false, crit: ['b64'], kid, typ: 'JWT', ...more }),
  ).toString('base64url');
  const signature = sign('sha256', Buffer.from(`${header}.${BODY}`), key).toString('base64url');
  return `${header}..${signature}`;
}

async function verdict(scheme: ReturnType<typeof saleor>, signature: string, body = BODY, now = NOW) {
  return (await scheme.verify(deliveryOf({ 'saleor-signature': signature }, body), now)).kind;
}
