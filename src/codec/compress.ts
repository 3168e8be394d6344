import { constants, gunzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { gzipSync } from 'fflate';
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
 * memory than that, nor goes on unpacking beyond it. That the bytes are the right ones is for the caller's checksum.
 */
export function unpack(packed: Uint8Array, codec: Codec, rawLength: number): Buffer {
  return ofLength(unpacked(packed, codec, rawLength), rawLength);
}

function unpacked(packed: Uint8Array, codec: Codec, rawLength: number): Uint8Array {
  switch (codec) {
    case 'none':
      return packed;
    // Node's: fflate unpacks all that a bomb holds, 2 s for 390 KB of it, and takes three times as long for an honest one.
    case 'gzip':
      return gunzipSync(packed, { maxOutputLength: rawLength });
    case 'zstd':
      return zstdDecompressSync(packed, { maxOutputLength: rawLength, params: ZSTD_LIMITS });
  }
}

// A frame says itself how much memory unpacking takes, up to 128 MB (RFC 8878, section 3.1.1.1.2); ours take what they hold.
const ZSTD_LIMITS = { [constants.ZSTD_d_windowLogMax]: Math.log2(LARGEST) };

function ofLength(bytes: Uint8Array, length: number): Buffer {
  if (bytes.length !== length) throw new Error(`${bytes.length} bytes where ${length} are expected`);
  return exact(bytes);
}
