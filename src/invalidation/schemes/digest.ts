import { createHmac, timingSafeEqual } from 'node:crypto';

/** An HMAC's hash. */
export type Algorithm = 'sha256' | 'sha512';

/** How a digest is written. */
export type Encoding = 'hex' | 'base64';

/** The HMAC of `parts`, one after the other, under a secret. */
export function hmacOf(
  secret: string | Buffer,
  parts: readonly (string | Buffer)[],
  algorithm: Algorithm = 'sha256',
): Buffer {
  const hmac = createHmac(algorithm, secret);
  for (const part of parts) hmac.update(part);
  return hmac.digest();
}

/** Whether any of the digests given is any of those expected; how long that takes says nothing of how near they are. */
export function isAmong(given: readonly Buffer[], expected: readonly Buffer[]): boolean {
  let found = false;
  for (const one of given) for (const other of expected) found = isSame(one, other) || found;
  return found;
}

/** The bytes of a digest as it was written, hex in either case; undefined for what is not exactly one. */
export function decodeDigest(text: string, encoding: Encoding): Buffer | undefined {
  const bytes = Buffer.from(text, encoding);
  // It passes over what it does not know: many texts would be one digest.
  return bytes.toString(encoding) === (encoding === 'hex' ? text.toLowerCase() : text) ? bytes : undefined;
}

function isSame(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}
