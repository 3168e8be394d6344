import { crc32 } from 'node:zlib';
import type { Codec } from '../codec/compress.ts';
import { frame, unframe } from '../codec/frame.ts';
import type { Entry, Facts, Form, Payload } from './entry.ts';

/** What the index of a disk keeps about a record. */
export interface Stub {
  /** Bytes the record takes of the budget. */
  readonly size: number;
  readonly born: number;
  readonly freshUntil: number;
  readonly keepUntil: number;
}

/** All of an entry but its body and its id, in the fixed order in which it is written as JSON. */
type Meta = readonly [
  shown: string,
  type: string,
  born: number,
  freshUntil: number,
  staleUntil: number,
  keepUntil: number,
  form: Form,
  status: number,
  headers: Payload['headers'],
  facts: Facts,
];

const STUB_LENGTH = 32;

/** The 32 bytes that `id` writes in base64url. */
export function digestOf(id: string): Buffer {
  return Buffer.from(id, 'base64url');
}

/** The id that writes `digest`. */
export function idOf(digest: Uint8Array): string {
  return Buffer.from(digest).toString('base64url');
}

/** The entry as one record. Vectors are noise to every codec, so they are never packed. */
export function toRecord(entry: Entry, digest: Uint8Array, codec: Codec): Buffer {
  const { key, payload } = entry;
  const meta: Meta = [
    key.shown,
    key.type,
    entry.born,
    entry.freshUntil,
    entry.staleUntil,
    entry.keepUntil,
    payload.form,
    payload.status,
    payload.headers,
    payload.facts,
  ];
  return frame(digest, meta, payload.body, payload.form === 'vector' ? 'none' : codec);
}

/** The entry of a record kept under `id`; undefined if the record is damaged, another's, or its body above `maxBody`. */
export function fromRecord(
  bytes: Buffer,
  id: string,
  digest: Uint8Array,
  maxBody: number,
): Entry | undefined {
  const unframed = unframe(bytes, digest, maxBody);
  if (!unframed.ok || !isMeta(unframed.meta)) return undefined;
  const [shown, type, born, freshUntil, staleUntil, keepUntil, form, status, headers, facts] = unframed.meta;
  const key = { id, shown, type };
  const payload = { form, status, headers, facts, body: unframed.body };
  return { key, born, freshUntil, staleUntil, keepUntil, payload };
}

/** The stub as bytes, with a checksum that binds it to `digest`. */
export function toStubRecord(stub: Stub, digest: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(STUB_LENGTH);
  bytes.writeUInt32BE(stub.size, 4);
  bytes.writeDoubleBE(stub.born, 8);
  bytes.writeDoubleBE(stub.freshUntil, 16);
  bytes.writeDoubleBE(stub.keepUntil, 24);
  bytes.writeUInt32BE(crc32(bytes.subarray(4), crc32(digest)), 0);
  return bytes;
}

/** Reads {@link toStubRecord}'s bytes back; undefined if they are damaged or another's. */
export function fromStubRecord(bytes: Buffer, digest: Uint8Array): Stub | undefined {
  if (bytes.length !== STUB_LENGTH) return undefined;
  if (bytes.readUInt32BE(0) !== crc32(bytes.subarray(4), crc32(digest))) return undefined;
  return {
    size: bytes.readUInt32BE(4),
    born: bytes.readDoubleBE(8),
    freshUntil: bytes.readDoubleBE(16),
    keepUntil: bytes.readDoubleBE(24),
  };
}

/** The checksum says that we wrote it; this says that it was this version of us. */
function isMeta(meta: unknown): meta is Meta {
  return Array.isArray(meta) && meta.length === 10;
}
