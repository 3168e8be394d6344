import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { LOCALHOST } from '../support/upstream/certificate.ts';
import { folderWith, linesOf, load, settingsOf } from './support.ts';

const PASSPHRASE = 'open sesame';
const FOLDER = folderWith({
  'cert.pem': LOCALHOST.cert,
  'key.pem': LOCALHOST.key,
  'locked.pem': createPrivateKey(LOCALHOST.key).export({
    ...({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc' } as const),
    passphrase: PASSPHRASE,
  }),
  'other.pem': generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  }).privateKey,
  'empty.pem': '',
});

function loadWith(tls: Readonly<Record<string, string>>) {
  const sets = Object.entries(tls).map(([name, value]) => `server.tls.${name}=${JSON.stringify(value)}`);
  return load(FOLDER, { sets });
}

describe('server.tls', () => {
  it('takes a certificate and its key, from the folder where the server is started', () => {
    const { tls } = settingsOf(loadWith({ cert: 'cert.pem', key: 'key.pem' })).server;
    assert.deepEqual(tls, { cert: join(FOLDER, 'cert.pem'), key: join(FOLDER, 'key.pem') });
  });

  it('takes a key that is locked, with its passphrase', () => {
    settingsOf(loadWith({ cert: 'cert.pem', key: 'locked.pem', passphrase: PASSPHRASE }));
  });

  for (const [what, tls, lines] of [
    [
      'a file that is not there',
      { cert: 'no.pem', key: 'key.pem' },
      [
        /tls\.cert: got "no\.pem", which cannot be used \(ENOENT: .*\), expected a PEM file with a certificate$/,
      ],
    ],
    [
      'a file without a certificate',
      { cert: 'key.pem', key: 'key.pem' },
      [/tls\.cert: got "key\.pem", which cannot be used \(.*\), expected a PEM file with a certificate$/],
    ],
    [
      'a file without a key',
      { cert: 'cert.pem', key: 'empty.pem' },
      [
        /tls\.key: got "empty\.pem", which cannot be used \(.*\), expected a PEM file with the private key of server\.tls\.cert, which/,
      ],
    ],
    ['both', { cert: 'empty.pem', key: 'no.pem' }, [/tls\.cert: got "empty/, /tls\.key: got "no/]],
    [
      'the key of another',
      { cert: 'cert.pem', key: 'other.pem' },
      [
        /tls\.key: got the key of another certificate, expected a PEM file with the private key of server\.tls\.cert$/,
      ],
    ],
    [
      'a locked key without its passphrase',
      { cert: 'cert.pem', key: 'locked.pem' },
      [/tls\.key: got "locked\.pem", .* of server\.tls\.cert, which needs no passphrase$/],
    ],
    [
      'a locked key with another passphrase',
      { cert: 'cert.pem', key: 'locked.pem', passphrase: 'wrong one' },
      [/tls\.key: got "locked\.pem", .*under server\.tls\.passphrase$/],
    ],
    [
      'a certificate without a key',
      { cert: 'cert.pem' },
      [/tls\.key: got nothing, expected the path of a PEM file$/],
    ],
  ] satisfies [string, Record<string, string>, RegExp[]][]) {
    it(`refuses ${what}`, () => {
      const told = linesOf(loadWith(tls));
      assert.equal(told.length, lines.length, told.join('\n'));
      for (const [at, line] of lines.entries()) assert.match(told[at] ?? '', line);
      assert.doesNotMatch(told.join('\n'), /wrong one/);
    });
  }
});
