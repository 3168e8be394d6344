/** The number of hashes that there are. */
export const HASHES = 2 ** 24;

/**
 * A number that is as likely any one below {@link HASHES} as another: an id is SHA-256 in base64url, whose characters are six random
 * bits each.
 */
export function hashOf(id: string): number {
  return (sextet(id, 0) << 18) | (sextet(id, 1) << 12) | (sextet(id, 2) << 6) | sextet(id, 3);
}

function sextet(id: string, at: number): number {
  return SEXTETS[id.charCodeAt(at)] ?? 0;
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

const SEXTETS = new Uint8Array(128);
for (const [value, character] of [...ALPHABET].entries()) SEXTETS[character.charCodeAt(0)] = value;
