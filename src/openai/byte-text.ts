import { isAscii, isUtf8 } from 'node:buffer';

// A byte text spells UTF-8 with one character, from U+0000 to U+00FF, for each byte. All that JSON says with more than letters of a
// string is ASCII, and the same in both; and V8 reads, cuts, joins and hashes texts of one byte a character several times as fast as
// those of two, which one curly quotation mark makes of a text (measured: 8 KB decoded in 0.8 µs for 5, hashed in 8 for 20).

/** The byte text of a text, in which there is no lone surrogate. */
export function toByteText(text: string): string {
  return NOT_ASCII.test(text) ? Buffer.from(text).toString('latin1') : text;
}

/** The text that a byte text spells. */
export function fromByteText(bytes: string): string {
  return NOT_ASCII.test(bytes) ? bytesOfByteText(bytes).toString() : bytes;
}

/** What the byte text of these bytes spells; undefined where they are no UTF-8. */
export function spelledBy(bytes: Buffer): 'ascii' | 'utf-8' | undefined {
  if (isAscii(bytes)) return 'ascii';
  return isUtf8(bytes) ? 'utf-8' : undefined;
}

/** The bytes that a byte text spells. */
export function bytesOfByteText(bytes: string): Buffer {
  return Buffer.from(bytes, 'latin1');
}

const NOT_ASCII = /[^\0-\x7f]/;
