import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startReprise } from '../../src/demo/reprise.ts';
import { within } from '../support/deadline.ts';

test('the proxy is there when its ready line is, with its flags and without the settings of its user', async () => {
  const reprise = await start(`
    console.log('warming up');
    const { REPRISE_ADMIN_TOKEN: admin, SHOPIFY_SECRET: shopify, WOOCOMMERCE_SECRET: woocommerce, http_proxy: proxy } = process.env;
    const seen = { argv: process.argv.slice(1), secrets: { admin, shopify, woocommerce }, proxy };
    console.log('reprise ready on http://127.0.0.1:1/' + Buffer.from(JSON.stringify(seen)).toString('hex') + ' (pid 1)');
    setInterval(() => {}, 1000);
  `);
  const seen: unknown = JSON.parse(Buffer.from(reprise.url.split('/').at(-1) ?? '', 'hex').toString());
  await within(reprise.close(), 'the end of the proxy');
  assert.ok(typeof seen === 'object' && seen !== null && 'argv' in seen && Array.isArray(seen.argv));
  assert.deepEqual(Object.keys(seen), ['argv', 'secrets']);
  assert.ok('secrets' in seen);
  assert.deepEqual(seen.secrets, reprise.secrets);
  assert.equal(new Set(Object.values(reprise.secrets)).size, 3);
  const [command, profileFlag, profile, ...flags] = seen.argv;
  assert.deepEqual([command, profileFlag], ['serve', '--profile']);
  assert.match(profile, /profiles.catalog\.yaml$/);
  assert.deepEqual(flags, ['--host', '127.0.0.1', '--port', '0', '--data', '/tmp/none']);
});

test('a proxy that does not start says why, without its stack', async () => {
  const started = start("throw new Error('no room at all')");
  await assert.rejects(within(started, 'the failure'), (thrown: Error) => {
    assert.match(thrown.message, /Reprise ended with status 1:[\s\S]*no room at all/);
    assert.doesNotMatch(thrown.message, /^ +at /m);
    return true;
  });
});

test('a program that is not there is a failure too', async () => {
  await assert.rejects(within(start('', '/nowhere/node'), 'the failure'), /ENOENT/);
});

test('a proxy that dies at work is noticed', async () => {
  const reprise = await start(`
    console.log('reprise ready on http://127.0.0.1:1 (pid 1)');
    console.error('the disk is on fire');
    setTimeout(() => process.exit(3), 20);
  `);
  await assert.rejects(
    within(reprise.died, 'the death'),
    /Reprise ended with status 3:\n {2}the disk is on fire/,
  );
  await reprise.close();
});

test('an interruption while it starts leaves no process behind', async () => {
  const stop = new AbortController();
  const started = start('setInterval(() => {}, 1000)', process.execPath, stop.signal);
  stop.abort(new Error('enough'));
  await assert.rejects(within(started, 'the interruption'), /enough/);
});

function start(script: string, program = process.execPath, signal = new AbortController().signal) {
  return startReprise({
    command: [program, '-e', script, '--'],
    modelUrl: 'http://127.0.0.1:1/v1',
    shopUrl: 'http://127.0.0.1:2',
    dataDir: '/tmp/none',
    env: {
      PATH: process.env.PATH,
      REPRISE_ADMIN_TOKEN: 'secret',
      SHOPIFY_SECRET: 'mine',
      http_proxy: 'http://elsewhere',
    },
    signal,
  });
}
