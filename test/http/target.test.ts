import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { readTarget } from '../../src/http/target.ts';
import { within } from '../support/deadline.ts';
import { setStage } from '../support/stage.ts';

const REFUSED = [
  'http://elsewhere/v1/models',
  '*',
  'v1/models',
  '//elsewhere/v1/models',
  '/v1//models',
  '/v1/../admin',
  '/v1/./models',
  '/v1/%2e%2E/admin',
  '/v1/.%2e/admin',
  '/v1/..',
  '/v1/a%2f..%2fb',
  '/v1/a%2F%2e%2E/b',
  '/v1/%2f..',
  '/v1/.%2fmodels',
  '/v1/./',
  '//',
  '/v1/models//',
  '/v1\\models',
  '/v1/%5cmodels',
  '/v1/a%00b',
  '/v1/a%0d%0ab',
  '/v1/a%7fb',
  '/v1/a%1fb',
  '/v1/a%7Fb',
  '/v1/%zz',
  '/v1/%4',
  '/v1/%',
  '/%5C%5Celsewhere',
  '\\\\elsewhere',
  'elsewhere:443',
  '?x=/v1/models',
  '/v1/a#b',
];

// No client can send these, and Node's parser takes none of them.
const UNSENDABLE = [
  '',
  '/v1/a b',
  '/v1/a\tb',
  '/v1/a\0b',
  '/v1/a\x7fb',
  '/v1/é',
  '/v1/a?b c',
  '/v1/a?é',
  '/v1/a?b#c',
];

describe('request targets', () => {
  for (const target of UNSENDABLE) {
    it(`${JSON.stringify(target)} is refused`, () => {
      assert.throws(() => readTarget(target), { code: 'invalid_request', param: 'path' });
    });
  }

  it('the message shows no more than the beginning of one, and no raw control character', () => {
    assert.throws(
      () => readTarget(`/\r\n${'x'.repeat(10_000)}`),
      ({ message }: Error) => message.length < 300 && /^[ -~]+$/.test(message),
    );
  });

  for (const target of REFUSED) {
    it(`${target} is refused`, () => {
      assert.throws(() => readTarget(target), { code: 'invalid_request', param: 'path' });
    });
  }

  it('others are taken as they are, cut at the first question mark', () => {
    assert.deepEqual(readTarget('/v1/a%20b/...?x=/../y?z'), { path: '/v1/a%20b/...', query: 'x=/../y?z' });
    assert.deepEqual(readTarget('/?'), { path: '/', query: '' });
    assert.deepEqual(readTarget('/v1/a?b=//%2e%2e%5c%00'), { path: '/v1/a', query: 'b=//%2e%2e%5c%00' });
    for (const path of [
      '/v1/org%2Fmodel',
      '/v1/.well-known/..a/a..',
      '/v1/...%2f',
      '/v1/models/',
      '/v1/%C3%A9',
    ]) {
      assert.deepEqual(readTarget(path), { path, query: '' });
    }
    assert.deepEqual(readTarget('/v1/models'), { path: '/v1/models', query: '' });
  });

  it('what is refused reaches no upstream, whatever its form on the wire', async () => {
    await using stage = await setStage();
    const { port } = new URL(stage.reprise.url);
    for (const target of REFUSED.filter((target) => !/[#*]/.test(target))) {
      const socket = connect(Number(port), '127.0.0.1');
      socket.end(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      let answer = '';
      for await (const chunk of socket) answer += chunk;
      assert.match(answer, /^HTTP\/1\.1 400 /, target);
    }
    await within(stage.ask('/health/live'), 'still alive');
    assert.equal(stage.upstream.calls.length, 0);
  });
});
