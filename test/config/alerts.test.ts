import assert from 'node:assert/strict';
import { test } from 'node:test';
import { config } from '../../src/cli/config.ts';
import { recordedIo } from '../support/command-io.ts';
import { folderWith, linesOf, load, settingsOf } from './support.ts';

const SECRET = `whsec_${Buffer.alloc(24, 'a').toString('base64')}`;

/** The lines that a user sees for a section `alerts`. */
const mistakes = (alerts: string, env = {}) =>
  linesOf(load(folderWith({ 'mine.yaml': `alerts: ${alerts}` }), { profile: 'mine.yaml' }, env));

test('alerts go nowhere unless the profile says where, and take their secret from the environment', () => {
  assert.deepEqual(settingsOf(load('/')).alerts, {});
  const cwd = folderWith({
    'mine.yaml': `alerts: { url: "https://ops.example/hooks?a=b", secret: "\${S}" }`,
  });
  const { alerts } = settingsOf(load(cwd, { profile: 'mine.yaml' }, { S: SECRET }));
  assert.deepEqual(alerts, { url: 'https://ops.example/hooks?a=b', secret: SECRET });
});

test('a secret is whsec_ and 24 to 64 bytes in base64', () => {
  const of = (secret: string) => mistakes(`{ url: "http://a/", secret: "${secret}" }`);
  for (let bytes = 24; bytes <= 64; bytes += 1) {
    assert.deepEqual(of(`whsec_${Buffer.alloc(bytes, 7).toString('base64')}`), [], `${bytes} bytes`);
  }
  for (const bytes of [0, 8, 23, 67]) {
    assert.match(
      of(`whsec_${Buffer.alloc(bytes, 7).toString('base64')}`).join(),
      /^mine\.yaml:1: alerts\.secret: got .*whsec_ and 24 to 64/,
    );
  }
  for (const secret of ['plain', SECRET.slice(6), SECRET.replace('whsec', 'whpk'), `${SECRET}=`])
    assert.equal(of(secret).length, 1, secret);
});

test('a URL is http or https, without credentials and fragment', () => {
  for (const url of [
    'ftp://a/',
    'ops.example',
    'http://',
    'http://u:p@a/',
    'http://a/#b',
    'http://a /',
    'http://[/',
  ])
    assert.match(
      mistakes(`{ url: "${url}", secret: "${SECRET}" }`).join(),
      /alerts\.url: got .*expected an http or https URL/,
      url,
    );
  assert.deepEqual(mistakes(`{ url: "http://[::1]:80/x@y?z=:", secret: "${SECRET}" }`), []);
});

test('neither goes without the other', () => {
  assert.deepEqual(mistakes('{ url: "http://a/" }'), [
    'mine.yaml:1: alerts.secret: got nothing, expected one beside alerts.url, or neither of them',
  ]);
  assert.equal(mistakes(`{ secret: "${SECRET}" }`).length, 1);
});

test('reprise config shows the URL and not the secret', () => {
  const cwd = folderWith({ 'mine.yaml': `alerts: { url: "http://a/hooks", secret: "${SECRET}" }` });
  const { io, written } = recordedIo();
  const status = config(['--profile', 'mine.yaml'], {}, { ...io, cwd, version: '' });
  assert.equal(status, 0);
  assert.match(written.out, /alerts:\n {2}url: http:\/\/a\/hooks\n {2}secret: "\*\*\*"\n/);
});
