import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { webhook } from '../../src/cli/webhook.ts';
import { folderWith } from '../config/support.ts';
import { recordedIo } from '../support/command-io.ts';
import { RecordingInvalidator } from '../support/recording-invalidator.ts';
import { startReprise } from '../support/reprise.ts';
import { LOCALHOST } from '../support/upstream/certificate.ts';

const KEY = `whsec_${Buffer.from('a secret of 24 bytes ...').toString('base64')}`;
const RULES = [{ event: '**', tags: [{ json: '$..id', tag: 'product:{value}' }] }];
const PAYLOAD = '{"product":{"id":12345678901234567890}}';

const WEBHOOKS = {
  standard: { scheme: 'standard', secret: KEY, rules: RULES },
  stripe: {
    scheme: 'stripe',
    secret: 's1',
    rules: [{ event: '**', tags: [{ json: '$.product.id', tag: 'product:{value}' }] }],
  },
  shopify: { scheme: 'shopify', secret: ['s1', 's2'], rules: RULES },
  woo: { scheme: 'woocommerce', secret: 's1', rules: RULES },
  saleor: { scheme: 'saleor', secret: 's1', rules: RULES },
  github: { scheme: 'github', secret: 's1', rules: RULES },
  own: { scheme: 'hmac', secret: 's1', header: 'x-signature', event: { header: 'x-event' }, rules: RULES },
  token: { scheme: 'bearer', secret: 't1', rules: RULES },
  inside: { scheme: 'bearer', secret: 't1', event: { json: '$.what' }, rules: RULES },
  public: { scheme: 'standard', secret: `whpk_${Buffer.alloc(32, 1).toString('base64')}`, rules: RULES },
};

test('a test event of every scheme is taken by a running server, once for each time it is sent', async () => {
  const invalidator = new RecordingInvalidator();
  await using reprise = await startReprise({
    upstream: 'http://127.0.0.1:9/v1',
    profile: { webhooks: WEBHOOKS },
    invalidator,
  });
  const names = ['standard', 'stripe', 'shopify', 'woo', 'saleor', 'github', 'own', 'token'];
  for (const name of names) {
    for (let time = 0; time < 2; time++) {
      const { status, out, err } = await run([
        'send',
        name,
        '--url',
        `${reprise.url}/`,
        '--event=product.updated',
        '--data',
        PAYLOAD,
      ]);
      assert.equal(status, 0, `${name}: ${out}${err}`);
      assert.match(
        out,
        /^200 \{.*"accepted":true,"duplicate":false,"tags":\["product:12345678901234567890"\]/,
      );
    }
  }
  assert.equal(invalidator.calls.length, 2 * names.length);
});

test('the payload may be in a file, and the server be named by the environment', async () => {
  const invalidator = new RecordingInvalidator();
  await using reprise = await startReprise({
    upstream: 'http://127.0.0.1:9/v1',
    profile: { webhooks: WEBHOOKS },
    invalidator,
  });
  const argv = ['send', 'shopify', '--event', 'products/update', '--file', 'payload.json'];
  const { status, out } = await run(argv, { REPRISE_URL: reprise.url }, { 'payload.json': '{"id":7}' });
  assert.equal(status, 0);
  assert.match(out, /"tags":\["product:7"\]/);
});

test('what is refused is printed, with status 1', async () => {
  const invalidator = new RecordingInvalidator();
  await using reprise = await startReprise({
    upstream: 'http://127.0.0.1:9/v1',
    profile: { webhooks: WEBHOOKS },
    invalidator,
  });
  const other = { shopify: { ...WEBHOOKS.shopify, secret: 'another one' } };
  const { status, out } = await run(['send', 'shopify', '--url', reprise.url, '--event', 'e'], {}, {}, other);
  assert.equal(status, 1);
  assert.match(out, /^401 .*does not fit/);
  const unread = await run(['send', 'stripe', '--url', reprise.url, '--event', 'e', '--data', '{}']);
  assert.equal(unread.status, 1);
  assert.match(unread.out, /^400 /);
});

test('a redirect is not followed: the signature is for this server', async (t) => {
  const { status, out } = await run(['send', 'shopify', '--url', await redirecting(t), '--event', 'e']);
  assert.equal(status, 1);
  assert.match(out, /^302 /);
});

test('that nobody answers is said, with status 1', async () => {
  const { status, err } = await run(['send', 'shopify', '--url', 'http://127.0.0.1:9', '--event', 'e']);
  assert.equal(status, 1);
  assert.match(
    err,
    /^No server answers at http:\/\/127\.0\.0\.1:9\/webhooks\/shopify: .* --url says where\.$/m,
  );
});

test('a server that speaks HTTPS by its profile is spoken to so, and who does not trust it is told what to do', async (t) => {
  const server = createSecureServer(LOCALHOST, (_request, response) => response.end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const tls = { cert: 'cert.pem', key: 'key.pem' };
  const files = { 'cert.pem': LOCALHOST.cert, 'key.pem': LOCALHOST.key };
  const secure = JSON.stringify({ webhooks: WEBHOOKS, server: { port, tls } });
  const argv = ['send', 'shopify', '--event', 'e', '--profile', 'secure.yaml'];
  const { status, err } = await run(argv, {}, { ...files, 'secure.yaml': secure });
  assert.equal(status, 1);
  const url = `https://127.0.0.1:${port}/webhooks/shopify`;
  assert.ok(err.startsWith(`The certificate of ${url} is not trusted: self-signed certificate.`), err);
  assert.match(err, /NODE_EXTRA_CA_CERTS=FILE/);
  const plain = await run([...argv.slice(0, 4), '--url', `http://127.0.0.1:${port}`]);
  assert.match(plain.err, /Is it running\? Does it speak HTTPS\?/);
});

test('mistakes are told before anything is sent, with status 2', async () => {
  const cases: readonly (readonly [argv: readonly string[], message: RegExp])[] = [
    [[], /expected send and a webhook's name\n--event: got nothing/],
    [['send'], /expected send and a webhook's name/],
    [['receive', 'shopify', '--event', 'e'], /expected send and a webhook's name/],
    [['send', 'shopify'], /--event: got nothing/],
    [['send', 'shopify', '--event'], /--event: got no value, expected NAME/],
    [['send', 'shopfy', '--event', 'e'], /no webhook "shopfy": the nearest is shopify\./],
    [['send', 'shopify', '--event', 'e', '--nonsense'], /--nonsense: got an unknown flag/],
    [['send', 'shopify', '--event', 'e', '--data', '{'], /is not JSON/],
    [['send', 'shopify', '--event', 'e', '--file', 'nowhere.json'], /nowhere\.json/],
    [['send', 'public', '--event', 'e'], /no secret to sign with/],
    [['send', 'inside', '--event', 'e'], /has no text at \$\.what, where this webhook reads the event/],
    [['send', 'inside', '--event', 'e', '--data', '{"what":"other"}'], /names the event other, not e/],
  ];
  for (const [argv, message] of cases) {
    const { status, out, err } = await run(argv);
    assert.deepEqual([status, out], [2, ''], argv.join(' '));
    assert.match(err, message);
  }
});

test('--help names every flag', async () => {
  const { status, out } = await run(['--help']);
  assert.equal(status, 0);
  for (const flag of ['event', 'data', 'file', 'url', 'profile', 'set'])
    assert.match(out, new RegExp(`^ {2}--${flag} `, 'm'));
});

async function run(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
  files: Readonly<Record<string, string>> = {},
  webhooks: object = WEBHOOKS,
): Promise<{ status: number; out: string; err: string }> {
  const cwd = folderWith({ 'mine.yaml': JSON.stringify({ webhooks }), ...files });
  const { io, written } = recordedIo();
  const place = { ...io, cwd, version: '9.9.9' };
  const status = await webhook(argv, { REPRISE_PROFILE: 'mine.yaml', ...env }, place);
  return { status, ...written };
}

/** A server that sends everybody elsewhere. */
async function redirecting(t: TestContext): Promise<string> {
  const server = createServer((_request, response) =>
    response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end(),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  return `http://127.0.0.1:${port}`;
}
