import { decodeDigest, type Encoding, hmacOf, isAmong } from './digest.ts';
import type { Delivery, Verdict } from './scheme.ts';

/** Checks a signature that is the HMAC-SHA256 of the body, in the header `name`, after `prefix`. */
export function verifyBody(
  { header, body }: Delivery,
  secrets: readonly string[],
  name: string,
  encoding: Encoding,
  prefix = '',
): Verdict {
  const written = header(name);
  if (written === undefined) return { kind: 'refused', why: `has no header ${name}` };
  const given = written.startsWith(prefix) ? decodeDigest(written.slice(prefix.length), encoding) : undefined;
  const expected = secrets.map((secret) => hmacOf(secret, [body]));
  return given !== undefined && isAmong([given], expected) ? { kind: 'genuine' } : WRONG_SIGNATURE;
}

/** The signature of a body, under the first of the secrets; undefined if there is none. */
export function signBody(secrets: readonly string[], body: string, encoding: Encoding): string | undefined {
  const [secret] = secrets;
  return secret === undefined ? undefined : hmacOf(secret, [body]).toString(encoding);
}

/** What is said of a signature that does not fit, whatever the reason: more would help only who guesses. */
export const WRONG_SIGNATURE: Verdict = {
  kind: 'refused',
  why: 'has a signature that does not fit its body and the secret',
};
