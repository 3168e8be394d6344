import { crc32 } from 'node:zlib';
import type { Codec } from '../codec/compress.ts';
import { frame, unframe } from '../codec/frame.ts';
import type { Entry, Facts, Form, Payload, Tagged } from './entry.ts';
import type { Listed } from './listed.ts';

/** What the index of a disk keeps about a record. */
export interface Stub {
  /** Bytes the record takes of the budget. */
  readonly size: number;
  readonly listed: Listed;
}

/** All of an entry but its body and its id, in the fixed order in which it is written as JSON. */
type Meta = readonly [
  shown: string,
  type: string,
  born: number,
  freshUntil: number,
  staleUntil: number,
  keepUntil: number,
  stamp: number,
  tags: readonly Tagged[],
  form: Form,
  status: number,
  headers: Payload['headers'],
  facts: Facts,
];

/** What a stub says, in the fixed order in which it is written as JSON. */
type StubText = readonly [
  size: number,
  shown: string,
  type: string,
  born: number,
  freshUntil: number,
  staleUntil: number,
  keepUntil: number,
  stamp: number,
  tags: readonly Tagged[],
  bodySize: number,
];

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
    entry.stamp,
    entry.tags,
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
  const [shown, type, born, freshUntil, staleUntil, keepUntil, stamp, tags, form, status, headers, facts] =
    unframed.meta;
  const key = { id, shown, type };
  const payload = { form, status, headers, facts, body: unframed.body };
  return { key, born, freshUntil, staleUntil, keepUntil, stamp, tags, payload };
}

/** The stub as bytes, with a checksum that binds it to `digest`. */
export function toStubRecord({ size, listed }: Stub, digest: Uint8Array): Buffer {
  const { key, born, freshUntil, staleUntil, keepUntil, stamp, tags } = listed;
  const said: StubText = [
    size,
    key.shown,
    key.type,
    born,
    freshUntil,
    staleUntil,
    keepUntil,
    stamp,
    tags,
    listed.size,
  ];
  const text = Buffer.from(JSON.stringify(said));
  const checksum = Buffer.allocUnsafe(CHECKSUM_LENGTH);
  checksum.writeUInt32BE(crc32(text, crc32(digest)));
  return Buffer.concat([checksum, text]);
}

/** Reads {@link toStubRecord}'s bytes back; undefined if they are damaged or another's. */
export function fromStubRecord(bytes: Buffer, id: string, digest: Uint8Array): Stub | undefined {
  if (bytes.length <= CHECKSUM_LENGTH) return undefined;
  const text = bytes.subarray(CHECKSUM_LENGTH);
  if (bytes.readUInt32BE() !== crc32(text, crc32(digest))) return undefined;
  const said: unknown = JSON.parse(text.toString());
  if (!isStubText(said)) return undefined;
  const [size, shown, type, born, freshUntil, staleUntil, keepUntil, stamp, tags, bodySize] = said;
  const key = { id, shown, type };
  return { size, listed: { key, born, freshUntil, staleUntil, keepUntil, stamp, tags, size: bodySize } };
}

const CHECKSUM_LENGTH = 4;

/** As {@link isMeta}. */
function isStubText(said: unknown): said is StubText {
  return Array.isArray(said) && said.length === 10;
}

/** The checksum says that we wrote it; this says that it was this version of us. */
function isMeta(meta: unknown): meta is Meta {
  return Array.isArray(meta) && meta.length === 12;
}
