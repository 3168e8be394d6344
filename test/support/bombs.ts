import { constants, crc32, gzipSync, zstdCompressSync } from 'node:zlib';
import type { Codec } from '../../src/codec/compress.ts';

/** Few bytes that unpack to many. */
export interface Bomb {
  readonly codec: Codec;
  readonly packed: Buffer;
}

const INFLATED = 100_000_000;

/** Of each kind one, by what it is; each unpacks to 100 MB or more. */
export function bombs(): Readonly<Record<string, Bomb>> {
  const zeros = Buffer.alloc(INFLATED);
  const gzip = gzipSync(zeros, { level: 9 });
  const lying = Buffer.from(gzip);
  // RFC 1952 §2.3.1: the trailer's last four bytes are the length.
  lying.writeUInt32LE(1_000, lying.length - 4);
  const zstd = zstdCompressSync(zeros);
  const wide = zstdCompressSync(zeros, {
    params: { [constants.ZSTD_c_windowLog]: 27, [constants.ZSTD_c_enableLongDistanceMatching]: 1 },
  });
  return {
    'a gzip bomb': { codec: 'gzip', packed: gzip },
    'a gzip bomb whose trailer lies': { codec: 'gzip', packed: lying },
    'a gzip bomb of many members': {
      codec: 'gzip',
      packed: Buffer.concat(Array.from({ length: 5_000 }, () => gzipSync(Buffer.alloc(30_000)))),
    },
    'a zstd bomb': { codec: 'zstd', packed: zstd },
    'a zstd bomb whose window takes 128 MB': { codec: 'zstd', packed: wide },
  };
}

/**
 * `empty`, a record without a body, with `packed` in its place, which says that it unpacks to `claimed` bytes. The
 * checksum is right.
 */
export function forge(empty: Buffer, { codec, packed }: Bomb, claimed: number): Buffer {
  const record = Buffer.concat([empty, packed]);
  record.writeUInt8(['none', 'gzip', 'zstd'].indexOf(codec), 8);
  record.writeUInt32BE(claimed, 14);
  record.writeUInt32BE(packed.length, 18);
  record.writeUInt32BE(crc32(record.subarray(8)), 4);
  return record;
}
