import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Asker, checkAsker } from '../../src/control/who-may.ts';
import { AdminToken } from '../../src/policy/admin-token.ts';
import { RepriseError } from '../../src/shared/errors.ts';
import { startControlPlane } from '../support/control-plane.ts';

const SECRET = 'correct-horse-battery';

/** Why an asker is refused; undefined if it may. */
function refused(asker: Partial<Asker>, token?: string): string | undefined {
  const whole = { peer: '127.0.0.1', port: 8787, secure: false, ...asker };
  const headers = { host: ['localhost:8787'], ...asker.headers };
  try {
    checkAsker({ ...whole, headers }, token === undefined ? undefined : new AdminToken(token));
    return undefined;
  } catch (thrown) {
    assert.ok(thrown instanceof RepriseError);
    assert.equal(thrown.status, 401);
    return thrown.message;
  }
}

const with_ = (headers: Record<string, string>): Partial<Asker> => ({
  headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])),
});

for (const [may, says, asker] of [
  // Where it comes from.
  [true, 'the IPv4 loopback address', {}],
  [true, 'the IPv6 loopback address', { peer: '::1' }],
  [true, 'IPv4 loopback on an IPv6 socket', { peer: '::ffff:127.0.0.1' }],
  [true, 'another loopback address of this machine', { peer: '127.0.0.53' }],
  [false, 'another machine of the network', { peer: '192.168.1.20' }],
  [false, 'another machine on an IPv6 socket', { peer: '::ffff:10.0.0.7' }],
  [false, 'an address that only begins like loopback', { peer: '127.0.0.1.evil.example' }],
  [false, 'an IPv6 address that only ends like it', { peer: '2001:db8::1' }],
  [false, 'a connection whose peer is gone', { peer: undefined }],
  // What stands between.
  [false, 'a proxy that says forwarded', with_({ forwarded: 'for=192.0.2.1' })],
  [false, 'a proxy that says x-forwarded-for', with_({ 'x-forwarded-for': '127.0.0.1' })],
  [false, 'a proxy that says x-forwarded-host', with_({ 'x-forwarded-host': 'localhost:8787' })],
  [false, 'a proxy that says x-forwarded-proto', with_({ 'x-forwarded-proto': 'https' })],
  [false, 'a proxy that says it in its own way', with_({ 'x-forwarded-something-new': '' })],
  [false, 'nginx, which says x-real-ip', with_({ 'x-real-ip': '127.0.0.1' })],
  [false, 'a proxy that says via', with_({ via: '1.1 varnish' })],
  [false, 'a Cloudflare tunnel', with_({ 'cf-connecting-ip': '127.0.0.1' })],
  // Which host it is for.
  [true, 'our host by address', with_({ host: '127.0.0.1:8787' })],
  [true, 'our host by its IPv6 address', with_({ host: '[::1]:8787' })],
  [true, 'our host in capitals', with_({ host: 'LOCALHOST:8787' })],
  [false, 'a name that was rebound to our address', with_({ host: 'evil.example:8787' })],
  [false, 'a name that begins with ours', with_({ host: 'localhost.evil.example:8787' })],
  [false, 'a name that ends with ours', with_({ host: 'evil-localhost:8787' })],
  [false, 'our name at another port', with_({ host: 'localhost:9999' })],
  [false, 'our name without its port', with_({ host: 'localhost' })],
  [false, 'our name with an empty port', with_({ host: 'localhost:' })],
  [false, 'the address that means all of them', with_({ host: '0.0.0.0:8787' })],
  [false, 'user information before our name', with_({ host: 'evil@localhost:8787' })],
  [false, 'an empty host', with_({ host: '' })],
  [false, 'no host', { headers: { host: undefined } }],
  [false, 'two hosts', { headers: { host: ['localhost:8787', 'evil.example'] } }],
  [true, 'our name without its port, where that is 80', { ...with_({ host: 'localhost' }), port: 80 }],
  [
    true,
    'our name without its port, where that is 443',
    { ...with_({ host: 'localhost' }), port: 443, secure: true },
  ],
  [
    false,
    'our name without its port, where 443 is not encrypted',
    { ...with_({ host: 'localhost' }), port: 443 },
  ],
  // Which page sent it.
  [true, 'a page of our own', with_({ origin: 'http://localhost:8787', 'sec-fetch-site': 'same-origin' })],
  [true, 'an address that was typed', with_({ 'sec-fetch-site': 'none' })],
  [false, 'a page of another site', with_({ origin: 'https://evil.example' })],
  [false, 'a page without an origin', with_({ origin: 'null' })],
  [false, 'a page of this machine at another port', with_({ origin: 'http://localhost:3000' })],
  [false, 'a page of our own name, encrypted', with_({ origin: 'https://localhost:8787' })],
  [false, 'a page of our other name', with_({ origin: 'http://127.0.0.1:8787' })],
  [
    false,
    "a form of another site, whose browser hides the page's name",
    with_({ 'sec-fetch-site': 'cross-site' }),
  ],
  [false, 'a page of a neighbouring site', with_({ 'sec-fetch-site': 'same-site' })],
  [
    true,
    'a page of our own, encrypted',
    { ...with_({ host: 'localhost:8787', origin: 'https://localhost:8787' }), secure: true },
  ],
] as const) {
  test(`without an admin token ${may ? 'may use the control plane' : 'is refused'}: ${says}`, () => {
    const why = refused(asker);
    if (may) assert.equal(why, undefined);
    else
      assert.match(
        why ?? '',
        /^Without an admin token the control plane is for this machine alone, and .*REPRISE_ADMIN_TOKEN/,
      );
  });
}

for (const [may, says, authorization] of [
  [true, 'the token', [`Bearer ${SECRET}`]],
  [true, 'the token, with bearer in small letters', [`bearer ${SECRET}`]],
  [false, 'nothing', undefined],
  [false, 'an empty line', ['']],
  [false, 'the token without a word before it', [SECRET]],
  [false, 'another scheme', [`Basic ${SECRET}`]],
  [false, 'a token with its last letter wrong', [`Bearer ${SECRET.slice(0, -1)}x`]],
  [false, 'a shorter one', [`Bearer ${SECRET.slice(0, -1)}`]],
  [false, 'a longer one', [`Bearer ${SECRET}x`]],
  [false, 'one letter', ['Bearer x']],
  [false, 'a very long one', [`Bearer ${'x'.repeat(30_000)}`]],
  [false, 'the token and another one', [`Bearer ${SECRET}`, 'Bearer other']],
  [false, 'two words', [`Bearer ${SECRET} ${SECRET}`]],
] as const) {
  test(`with an admin token ${may ? 'may use the control plane' : 'is refused'}, from wherever it comes: ${says}`, () => {
    const asker = {
      peer: '203.0.113.7',
      headers: { host: ['cache.example'], via: ['1.1 lb'], authorization },
    };
    const why = refused(asker, SECRET);
    assert.equal(why === undefined, may);
    assert.ok(why === undefined || !why.includes(SECRET.slice(0, -1)), 'the message repeats no token');
  });
}

test('with an admin token this machine needs it, too', () => {
  assert.match(
    refused({}, SECRET) ?? '',
    /^There is no admin token\. Send the REPRISE_ADMIN_TOKEN of the server/,
  );
});

test('on real sockets: this machine may, a rebound name, a forwarded request and a cross-site form may not', async () => {
  await using plane = await startControlPlane();
  plane.shelf.add('a', { tags: ['t'] });
  const post = (headers: Record<string, string>, body = '{"tags":"t","dry_run":true}') =>
    plane.ask('/cache/invalidate', { method: 'POST', body, headers });
  assert.equal((await post({})).status, 200);
  assert.equal((await post({ host: `localhost:${plane.port}` })).status, 200);
  assert.equal((await post({ host: `evil.example:${plane.port}` })).status, 401);
  assert.equal((await post({ 'x-forwarded-for': '203.0.113.7' })).status, 401);
  assert.equal((await post({ origin: 'https://evil.example' })).status, 401);
  // What a form can send without asking first.
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
    const answer = await post({ 'content-type': type }, '{"tags":"t"}');
    assert.equal(answer.status, 400, type);
    assert.match(answer.body.toString(), /content-type is .*expected application\/json/);
  }
  assert.equal(plane.shelf.left().length, 1);
});

test('on real sockets: a server that listens everywhere answers its own loopback address, and with a token everybody', async () => {
  await using open = await startControlPlane({ host: '0.0.0.0' });
  assert.equal((await open.ask('/monitoring/invalidations')).status, 200);
  await using closed = await startControlPlane({ token: SECRET });
  assert.equal((await closed.ask('/monitoring/invalidations')).status, 401);
  const headers = {
    authorization: `Bearer ${SECRET}`,
    host: 'cache.example',
    'x-forwarded-for': '203.0.113.7',
  };
  assert.equal((await closed.ask('/monitoring/invalidations', { headers })).status, 200);
  // Whether a path is there is nobody's secret, and a mistyped one is told as such.
  assert.equal((await closed.ask('/nowhere')).status, 404);
});
