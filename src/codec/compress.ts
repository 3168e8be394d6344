import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { gunzipSync, gzipSync } from 'fflate';
import { exact } from './exact.ts';

/** How bytes are kept; the names are those of the `disk.compression` setting. */
export type Codec = 'none' | 'gzip' | 'zstd';

/** Below this many bytes the gain is less than the time. */
const SMALLEST = 512;
/**
 * Above this many bytes packing would hold up the event loop for longer than other requests should wait (fflate packs
 * about 60 MB a second); such bytes are left to the storage engine's own compression, which runs on a thread of its own.
 */
const LARGEST = 256 * 1024;
/** What packing must save to be worth unpacking at every read. */
const WORTHWHILE = 0.9;

/** `raw` packed by `codec`, or undefined where that does not pay. */
export function pack(raw: Uint8Array, codec: Codec): Uint8Array | undefined {
  if (codec === 'none' || raw.length < SMALLEST || raw.length > LARGEST) return undefined;
  const packed =
    codec === 'gzip'
      ? gzipSync(raw, { level: 1, mtime: 0 })
      : zstdCompressSync(raw, { params: { [constants.ZSTD_c_compressionLevel]: 1 } });
  return packed.length <= raw.length * WORTHWHILE ? packed : undefined;
}

/**
 * What was packed, exactly `rawLength` bytes. Throws where `packed` does not yield just that many; never takes more
 * memory than that. That the bytes are the right ones is for the caller's checksum: fflate checks none.
 */
export function unpack(packed: Uint8Array, codec: Codec, rawLength: number): Buffer {
  if (codec === 'zstd')
    return ofLength(zstdDecompressSync(packed, { maxOutputLength: rawLength }), rawLength);
  if (codec === 'none') return ofLength(packed, rawLength);
  // Given an output buffer, fflate drops what does not fit; the length in gzip's trailer tells (RFC 1952, section 2.3.1).
  const trailer = new DataView(packed.buffer, packed.byteOffset + packed.length - 4, 4).getUint32(0, true);
  if (trailer !== rawLength) throw new Error(`gzip of ${trailer} bytes where ${rawLength} are expected`);
  return ofLength(gunzipSync(packed, { out: new Uint8Array(rawLength) }), rawLength);
}

function ofLength(bytes: Uint8Array, length: number): Buffer {
  if (bytes.length !== length) throw new Error(`${bytes.length} bytes where ${length} are expected`);
  return exact(bytes);
}
