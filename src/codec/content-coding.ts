import type { Transform } from 'node:stream';
import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
} from 'node:zlib';

/** A content coding that can be taken off a message (RFC 9110 §8.4.1, RFC 7932, RFC 9659). */
export type ContentCoding = 'gzip' | 'deflate' | 'br' | 'zstd';

/**
 * Reads the value of a `content-encoding` header; `identity` is none at all. Undefined for a coding that is not known, and for
 * several one upon another, which nobody uses with these APIs.
 */
export function readCoding(value: string): ContentCoding | 'identity' | undefined {
  return CODINGS.get(value.trim().toLowerCase());
}

/**
 * A stream that takes a coding off; it errs on what is corrupt or cut short. `start` are the first bytes, which are yet to be
 * written to it: some servers call bare DEFLATE data `deflate`, without the zlib header that belongs there.
 */
export function createDecoder(coding: ContentCoding, start: Buffer): Transform {
  switch (coding) {
    case 'gzip':
      return createGunzip();
    case 'deflate':
      return ((start[0] ?? 0) & 0x0f) === 0x08 ? createInflate() : createInflateRaw();
    case 'br':
      return createBrotliDecompress();
    case 'zstd':
      // RFC 9659 §3: no window above 8 MB. The format's own bound would let a few bytes claim 128 MB.
      return createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: 23 } });
  }
}

const CODINGS: ReadonlyMap<string, ContentCoding | 'identity'> = new Map([
  ['identity', 'identity'],
  ['gzip', 'gzip'],
  ['x-gzip', 'gzip'],
  ['deflate', 'deflate'],
  ['br', 'br'],
  ['zstd', 'zstd'],
]);
