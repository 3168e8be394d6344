import { crc32 } from 'node:zlib';

/*
 * A journal as it lies on disk, numbers big-endian:
 *
 *    0  8  magic "RPSJRNL1", of which the last is the version
 *    8  8  commitment: how many bytes of the file, from its first one, have been promised to be there
 *   16  4  CRC-32 of the 16 bytes before
 *   20     records, each: 4 length of its JSON, 4 CRC-32 of the length and the JSON, then the JSON in UTF-8
 *
 * Without the commitment a file that was cut between two records would look whole.
 */
const MAGIC = Buffer.from('RPSJRNL1', 'latin1');
const COMMITMENT_AT = 8;
const CHECKSUM_AT = 16;
const RECORD_HEAD = 8;

/** The length of a journal's head, which is what a journal without records consists of. */
export const HEAD_LENGTH = 20;

/** Why a journal's file does not prove that all its records are there. */
export type Flaw = 'absent' | 'head' | 'record' | 'cut';

/** What a journal's file holds. */
export interface JournalContents {
  /** The records up to the first flaw, in order. */
  readonly records: readonly unknown[];
  /** Length of the file up to the end of the last of {@link records}. */
  readonly length: number;
  /** Undefined if every record that was promised to be there is. */
  readonly flaw: Flaw | undefined;
}

/** The head of a journal whose first `length` bytes are promised. */
export function headOf(length: number): Buffer {
  const head = Buffer.alloc(HEAD_LENGTH);
  MAGIC.copy(head);
  head.writeBigUInt64BE(BigInt(length), COMMITMENT_AT);
  head.writeUInt32BE(crc32(head.subarray(0, CHECKSUM_AT)), CHECKSUM_AT);
  return head;
}

/** Records as they follow each other in a journal. Throws for a value that JSON has no text for. */
export function encodeRecords(records: readonly unknown[]): Buffer {
  return Buffer.concat(records.map(encodeRecord));
}

/** Reads a journal's file. What follows the promised bytes is taken as far as it is whole: nobody was promised the rest. */
export function decodeJournal(file: Buffer): JournalContents {
  const promised = promisedLength(file);
  if (promised === undefined) return { records: [], length: 0, flaw: 'head' };
  const records: unknown[] = [];
  let at = HEAD_LENGTH;
  for (let end = recordEnd(file, at); end !== undefined; end = recordEnd(file, at)) {
    records.push(JSON.parse(file.toString('utf8', at + RECORD_HEAD, end)));
    at = end;
  }
  return {
    records,
    length: at,
    flaw: at >= promised ? undefined : file.length < promised ? 'cut' : 'record',
  };
}

function encodeRecord(record: unknown): Buffer {
  const text: string | undefined = JSON.stringify(record);
  if (text === undefined) throw new TypeError('a record needs a value that JSON has a text for');
  const length = Buffer.byteLength(text);
  const bytes = Buffer.allocUnsafe(RECORD_HEAD + length);
  bytes.writeUInt32BE(length, 0);
  bytes.write(text, RECORD_HEAD);
  bytes.writeUInt32BE(checksum(bytes), 4);
  return bytes;
}

function promisedLength(file: Buffer): number | undefined {
  if (file.length < HEAD_LENGTH || !file.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  if (file.readUInt32BE(CHECKSUM_AT) !== crc32(file.subarray(0, CHECKSUM_AT))) return undefined;
  return Number(file.readBigUInt64BE(COMMITMENT_AT));
}

/** Where the record at `at` ends; undefined if there is none that is whole. */
function recordEnd(file: Buffer, at: number): number | undefined {
  if (file.length < at + RECORD_HEAD) return undefined;
  const end = at + RECORD_HEAD + file.readUInt32BE(at);
  if (end > file.length) return undefined;
  return file.readUInt32BE(at + 4) === checksum(file.subarray(at, end)) ? end : undefined;
}

function checksum(record: Buffer): number {
  return crc32(record.subarray(RECORD_HEAD), crc32(record.subarray(0, 4)));
}
