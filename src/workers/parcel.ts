import type { Entry, Payload } from '../cache/entry.ts';
import type { Tier } from '../cache/tier.ts';

/** Entries on their way from one thread to another. */
export interface Parcel {
  readonly entries: readonly Packed[];
  /** Their bodies, one behind the other. */
  readonly bytes: ArrayBuffer;
}

/** An entry whose body is with those of others. */
interface Packed extends Omit<Entry, 'payload'> {
  readonly payload: Omit<Payload, 'body'>;
  /** Bytes of its body. */
  readonly size: number;
}

/** Packs entries, which stay as they are: their bodies are copied once. */
export function pack(entries: readonly Entry[]): Parcel {
  const bytes = new Uint8Array(sizeOf(entries));
  let at = 0;
  const packed = entries.map(({ payload: { body, ...payload }, ...entry }): Packed => {
    bytes.set(body, at);
    at += body.length;
    return { ...entry, payload, size: body.length };
  });
  return { entries: packed, bytes: bytes.buffer };
}

/** The entries of a parcel, each body in memory of its own. */
export function unpack({ entries, bytes }: Parcel): Entry[] {
  let at = 0;
  return entries.map(({ size, payload, ...entry }) => {
    // The only one has all of the bytes.
    const own = size === bytes.byteLength ? bytes : bytes.slice(at, at + size);
    at += size;
    return { ...entry, payload: { ...payload, body: Buffer.from(own) } };
  });
}

/** Bytes of the bodies of entries. */
export function sizeOf(entries: readonly Entry[]): number {
  return entries.reduce((size, { payload }) => size + payload.body.length, 0);
}

/** What a tier has of these, looked up by the shortest way. */
export async function foundIn(tier: Tier, ids: readonly string[]): Promise<readonly Entry[]> {
  const [only = ''] = ids;
  if (ids.length !== 1) return [...(await tier.getMany(ids)).values()];
  const entry = await tier.get(only);
  return entry === undefined ? [] : [entry];
}
