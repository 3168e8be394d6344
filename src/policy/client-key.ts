import { hash, randomBytes } from 'node:crypto';

/** The text of a key's hash in a profile: what {@link hashOf} gives. */
export const HASH_PATTERN = /^sha256:[A-Za-z0-9_-]{43}$/;

/** A new client key: 256 random bits behind a prefix by which people and secret scanners know it. */
export function newClientKey(): string {
  return `rp-${randomBytes(32).toString('base64url')}`;
}

/**
 * What a profile holds of a client key: its SHA-256, from which it cannot be found again. A slow hash, which passwords need,
 * would add nothing to 256 random bits (NIST SP 800-63B §5.1.1.2 asks for one below 112).
 */
export function hashOf(key: string): string {
  return `sha256:${hash('sha256', key, 'base64url')}`;
}
