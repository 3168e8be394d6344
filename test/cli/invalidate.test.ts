import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { invalidate } from '../../src/cli/invalidate.ts';
import { recordedIo } from '../support/command-io.ts';
import { startControlPlane } from '../support/control-plane.ts';
import { freePort } from '../support/free-port.ts';

const TOKEN = 'correct-horse-battery';

/** Runs the command; what it wrote, and its exit status. */
async function run(argv: readonly string[], env: Record<string, string> = {}) {
  const { io, written } = recordedIo();
  return { status: await invalidate(argv, env, io), ...written };
}

test('it purges on a running server, and says what', async () => {
  await using plane = await startControlPlane();
  const key = plane.shelf.add('a', { tags: ['product:7'] });
  plane.shelf.add('b', { tags: ['product:8'] });
  const { status, out, err } = await run(['--tag', 'product:7', '--url', plane.url]);
  assert.equal(status, 0);
  assert.equal(out, `purged 1 entry (inv_1)\n  ${key}\n`);
  assert.equal(err, '');
  assert.equal(plane.shelf.left().length, 1);
});

test('every flag arrives as the condition it says', async () => {
  await using plane = await startControlPlane();
  const flags = ['--tag', 'a', '--tag=b', '--key', 'k', '--pattern', '**', '--type', 'products'];
  const more = ['--namespace', 'eu', '--model', 'm', '--model', 'n', '--expire', '--dry-run'];
  assert.equal((await run([...flags, ...more], { REPRISE_URL: `${plane.url}/` })).status, 0);
  assert.deepEqual(plane.shelf.orders, [
    {
      condition: {
        keys: ['k'],
        patterns: ['**'],
        tags: ['a', 'b'],
        types: ['products'],
        namespaces: ['eu'],
        models: ['m', 'n'],
      },
      effect: 'expire',
      by: 'api',
      dryRun: true,
    },
  ]);
});

test('a dry run says so, and of many entries some are named', async () => {
  await using plane = await startControlPlane();
  for (let at = 0; at < 1_234; at += 1) plane.shelf.add(`${at}`);
  const { out } = await run(['--type', 'products', '--dry-run', '--url', plane.url]);
  const lines = out.trimEnd().split('\n');
  assert.equal(lines[0], 'would purge 1,234 entries');
  assert.equal(lines.length, 22);
  assert.equal(lines.at(-1), '  and 1,214 more');
  assert.equal(plane.shelf.left().length, 1_234);
});

test('of what was expired already it says how much is new', async () => {
  await using plane = await startControlPlane();
  const expire = async () => (await run(['--type', 'products', '--expire', '--url', plane.url])).out;
  plane.shelf.add('a');
  assert.match(await expire(), /^expired 1 entry \(inv_1\)\n/);
  plane.shelf.add('b');
  assert.match(await expire(), /^expired 2 entries, 1 of them anew \(inv_2\)\n/);
});

test('--json prints the answer as it is', async () => {
  await using plane = await startControlPlane();
  const { status, out } = await run(['--tag', 'a', '--json', '--url', plane.url]);
  assert.equal(status, 0);
  assert.deepEqual(JSON.parse(out), { id: 'inv_1', matched: 0, invalidated: 0, dry_run: false, sample: [] });
});

test('the admin token comes from the environment, and without it the message says where it belongs', async () => {
  await using plane = await startControlPlane({ token: TOKEN });
  const argv = ['--tag', 'a', '--url', plane.url];
  assert.equal((await run(argv, { REPRISE_ADMIN_TOKEN: TOKEN })).status, 0);
  const none = await run(argv);
  assert.equal(none.status, 1);
  assert.match(
    none.err,
    /^There is no admin token\..*\n.*REPRISE_ADMIN_TOKEN in its own environment, which is not set\.\n$/,
  );
  const wrong = await run(argv, { REPRISE_ADMIN_TOKEN: 'another-token-of-16' });
  assert.equal(wrong.status, 1);
  assert.match(wrong.err, /^The admin token is not the right one\./);
  assert.ok(!wrong.err.includes('another-token'));
});

for (const [says, argv, message] of [
  ['no condition', [], /the command line: got no condition, expected at least one of --tag, --key/],
  [
    'a flag that is none',
    ['--tags', 'a'],
    /^--tags: got an unknown flag, expected a known one; the nearest is --tag\n$/,
  ],
  ['a flag without its value', ['--tag', '--expire'], /^--tag: got no value, expected TAG\n$/],
  ['a word that is no flag', ['product:7'], /the command line: got "product:7", expected flags only/],
  ['an address that is none', ['--tag', 'a', '--url', 'here'], /^--url: got "here", expected a URL such as/],
  [
    'an address of another kind',
    ['--tag', 'a', '--url', 'ftp://x'],
    /^--url: got "ftp:\/\/x", expected a URL/,
  ],
] as const) {
  test(`${says}: status 2, one line, and nothing is sent`, async () => {
    const { status, out, err } = await run(argv);
    assert.equal(status, 2);
    assert.equal(out, '');
    assert.match(err, message);
  });
}

test('a token that can be none is told before anything is sent, and neither it nor a password is shown', async () => {
  const token = await run(['--tag', 'a'], { REPRISE_ADMIN_TOKEN: 'short secret' });
  assert.equal(token.status, 2);
  assert.match(
    token.err,
    /^REPRISE_ADMIN_TOKEN: got a text of 12 characters, expected an admin token: at least 16/,
  );
  const url = await run(['--tag', 'a'], { REPRISE_URL: 'http://me:hunter2@host' });
  assert.equal(url.status, 2);
  assert.match(url.err, /^REPRISE_URL: got "http:\/\/\*\*\*@host", expected a URL/);
});

test('what the server takes for a mistake is status 2, in its words', async () => {
  await using plane = await startControlPlane();
  const { status, err } = await run(['--type', 'product', '--url', plane.url]);
  assert.equal(status, 2);
  assert.match(err, /^type is "product": expected a type of the profile; the nearest is products/);
});

test('a server that does not run: status 1, and what to do', async () => {
  const { status, err } = await run(['--tag', 'a', '--url', `http://127.0.0.1:${await freePort()}`]);
  assert.equal(status, 1);
  assert.match(
    err,
    /^No server answers at http:\/\/127\.0\.0\.1:\d+: the connection is refused\. Is it running\? --url says where\.\n$/,
  );
});

test('something else at that address: status 1, and neither token nor condition follow its redirect', async () => {
  let calls = 0;
  const other = createServer((_request, response) => {
    calls += 1;
    response.writeHead(302, { location: '/elsewhere' }).end('<html>');
  });
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  const { status, err } = await run(['--tag', 'a', '--url', `http://127.0.0.1:${port}`], {
    REPRISE_ADMIN_TOKEN: TOKEN,
  });
  assert.equal(status, 1);
  assert.match(err, /is no control plane of Reprise: status 302/);
  assert.equal(calls, 1);
  other.closeAllConnections();
  other.close();
});
