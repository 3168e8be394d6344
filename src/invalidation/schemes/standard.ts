import { createPublicKey, type KeyObject, verify as verifySignature } from 'node:crypto';
import { WRONG_SIGNATURE } from './body-hmac.ts';
import { decodeDigest, hmacOf, isAmong } from './digest.ts';
import { memberName, withMember } from './payload-member.ts';
import type { Scheme, SchemeSettings } from './scheme.ts';
import { FIVE_MINUTES, refusalOf } from './timestamp.ts';

/** A key of Standard Webhooks: a shared secret, or a sender's public ed25519 key. */
export type StandardKey =
  | { readonly kind: 'secret'; readonly bytes: Buffer }
  | { readonly kind: 'public'; readonly key: KeyObject };

/** What {@link parseStandardKey} takes, in words for a message. */
export const STANDARD_KEY_EXPECTED =
  'whsec_ and a secret in base64, or whpk_ and an ed25519 public key in base64';

/** Reads `whsec_…` (also without its prefix) or `whpk_…`; undefined for what is neither. */
export function parseStandardKey(text: string): StandardKey | undefined {
  const [, prefix, encoded = ''] = /^(whsec_|whpk_|)([A-Za-z0-9+/]+={0,2})$/.exec(text) ?? [];
  const bytes = Buffer.from(encoded, 'base64');
  if (prefix === undefined || bytes.length === 0) return undefined;
  if (prefix !== 'whpk_') return { kind: 'secret', bytes };
  return bytes.length === 32 ? { kind: 'public', key: publicKey(bytes) } : undefined;
}

/**
 * Standard Webhooks 1.0.0 (github.com/standard-webhooks, spec/standard-webhooks.md): `webhook-signature` is a list of
 * `v1,` (HMAC-SHA256) and `v1a,` (ed25519) signatures over `{webhook-id}.{webhook-timestamp}.{body}`, in base64.
 */
export function standard({ secret: secrets }: SchemeSettings): Scheme {
  const keys = secrets.map(parseStandardKey);
  const shared = keys.flatMap((key) => (key?.kind === 'secret' ? [key.bytes] : []));
  const published = keys.flatMap((key) => (key?.kind === 'public' ? [key.key] : []));
  return {
    verify({ header, body }, now) {
      const missing = HEADERS.find((name) => !header(name));
      if (missing !== undefined) return { kind: 'refused', why: `has no header ${missing}` };
      const [id = '', timestamp = '', signatures = ''] = HEADERS.map(header);
      const refusal = refusalOf(timestamp, now, FIVE_MINUTES);
      if (refusal !== undefined) return { kind: 'refused', why: refusal };
      const signed = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]);
      const given = signatures.split(' ').slice(0, MAX_SIGNATURES);
      const expected = shared.map((key) => hmacOf(key, [signed]));
      const isGenuine =
        isAmong(signaturesOf(given, 'v1'), expected) ||
        signaturesOf(given, 'v1a').some((signature) =>
          published.some((key) => verifySignature(null, signed, key, signature)),
        );
      return isGenuine ? { kind: 'genuine' } : WRONG_SIGNATURE;
    },
    event: (_delivery, payload) => memberName(payload, 'type'),
    id: ({ header }) => header('webhook-id'),
    sign({ event, id, payload, now }) {
      const [key] = shared;
      if (key === undefined) return undefined;
      const body = withMember(payload, 'type', event);
      const timestamp = String(Math.floor(now / 1000));
      const signature = hmacOf(key, [`${id}.${timestamp}.`, body]).toString('base64');
      return {
        body,
        headers: [
          ['webhook-id', id],
          ['webhook-timestamp', timestamp],
          ['webhook-signature', `v1,${signature}`],
        ],
      };
    },
  };
}

const HEADERS = ['webhook-id', 'webhook-timestamp', 'webhook-signature'] as const;

// Rotation needs two or three; each one more costs whoever is sent them.
const MAX_SIGNATURES = 8;

function signaturesOf(given: readonly string[], version: string): Buffer[] {
  return given.flatMap((signature) => {
    const [said, encoded = ''] = signature.split(',');
    return said === version ? (decodeDigest(encoded, 'base64') ?? []) : [];
  });
}

function publicKey(bytes: Buffer): KeyObject {
  // RFC 8037 §2: a raw ed25519 public key as a JSON Web Key.
  const x = bytes.toString('base64url');
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
}
