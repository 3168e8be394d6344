import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import { messageOf } from '../shared/errors.ts';
import type { Finding } from './problems.ts';
import { valueAt } from './tree.ts';

/**
 * What is wrong with the files that `server.tls` names: unreadable, no certificate or key, or two that do not belong
 * together. `raw` are the plain values before the schema has read them; what it refuses is passed over here. Relative
 * paths start from the folder `cwd`.
 */
export function checkTls(raw: unknown, cwd: string): Finding[] {
  const said = (name: string) => {
    const value = valueAt(raw, ['server', 'tls', name]);
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const passphrase = said('passphrase');
  const cert = read(said('cert'), CERT, cwd, (pem) => new X509Certificate(pem));
  const key = read(said('key'), passphrase === undefined ? OPEN_KEY : LOCKED_KEY, cwd, (pem) =>
    createPrivateKey({ key: pem, ...(passphrase !== undefined && { passphrase }) }),
  );
  const findings = [cert, key].flatMap((file) => (file?.finding === undefined ? [] : [file.finding]));
  if (cert?.value === undefined || key?.value === undefined) return findings;
  return together(cert.pem, cert.value, key.pem, key.value, passphrase);
}

/** A setting that names a file, and what the file should hold in words. */
interface Expected {
  readonly name: 'cert' | 'key';
  readonly expected: string;
}

const CERT: Expected = { name: 'cert', expected: 'a PEM file with a certificate' };
const KEY: Expected = { name: 'key', expected: 'a PEM file with the private key of server.tls.cert' };
const OPEN_KEY: Expected = { ...KEY, expected: `${KEY.expected}, which needs no passphrase` };
const LOCKED_KEY: Expected = { ...KEY, expected: `${KEY.expected}, under server.tls.passphrase` };

/** A file with what it holds, or what is wrong with it. */
type Held<Value> =
  | { readonly pem: Buffer; readonly value: Value; readonly finding?: undefined }
  | { readonly finding: Finding; readonly value?: undefined };

function read<Value>(
  file: string | undefined,
  { name, expected }: Expected,
  cwd: string,
  parse: (pem: Buffer) => Value,
): Held<Value> | undefined {
  if (file === undefined) return undefined;
  try {
    const pem = readFileSync(resolve(cwd, file));
    return { pem, value: parse(pem) };
  } catch (thrown) {
    return {
      finding: unusable(
        name,
        `${JSON.stringify(file)}, which cannot be used (${messageOf(thrown)})`,
        expected,
      ),
    };
  }
}

/** What a server would refuse the two for, taken together: another's key, a key that is too short for TLS. */
function together(
  cert: Buffer,
  certificate: X509Certificate,
  key: Buffer,
  privateKey: KeyObject,
  passphrase: string | undefined,
): Finding[] {
  if (!certificate.checkPrivateKey(privateKey)) {
    return [unusable('key', 'the key of another certificate', KEY.expected)];
  }
  try {
    createSecureContext({ cert, key, ...(passphrase !== undefined && { passphrase }) });
    return [];
  } catch (thrown) {
    const got = `a certificate that cannot be used (${messageOf(thrown)})`;
    return [unusable('cert', got, 'one that TLS takes')];
  }
}

function unusable(name: string, got: string, expected: string): Finding {
  return { path: ['server', 'tls', name], got, expected };
}
