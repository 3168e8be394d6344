import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { crc32c } from '../codec/crc32c.ts';
import { unsnap } from '../codec/snappy.ts';

/*
 * A table of LevelDB, numbers little-endian (its doc/table_format.md): blocks, each followed by one byte for its
 * compression and by the masked CRC-32C of both; among them an index and a meta index, which say where the others lie;
 * at the end a footer of 48 bytes that says where these two do.
 *
 * Every block has a checksum, and LevelDB as `level` opens it looks at none: it believes the lengths in a damaged block,
 * and ends the process on an assertion where they make no sense (seen: "internal_key.size() >= 8").
 */
const FOOTER = 48;
const MAGIC = 0xdb4775248b80fb57n;
/** Bytes of a block's trailer: its compression and its checksum. */
const TRAILER = 5;
const SNAPPY = 1;
/** Bytes of an index: that of our largest tables, 64 MB in blocks of 4 KB, takes under 1 MB. */
const LARGEST_INDEX = 16_000_000;
/** Bytes checked before other work gets a turn. */
const SLICE = 2_000_000;

/** Where a block lies in its table, without its trailer. */
interface Place {
  readonly from: number;
  readonly to: number;
}

/**
 * Those of the tables `names` in `folder` that must not be opened: damaged ones, sorted. One that has no end is none of
 * them: it was being written when the process died, or LevelDB finds that out by itself.
 */
export async function damagedAmong(names: readonly string[], folder: string): Promise<readonly string[]> {
  const damaged: string[] = [];
  const left = names.values();
  const checkThem = async () => {
    const reading = new TableReader();
    for (const name of left) if (!(await isSound(await reading.read(join(folder, name))))) damaged.push(name);
  };
  // While one is checked, another is read.
  await Promise.all([checkThem(), checkThem()]);
  return damaged.sort();
}

/** Reads one table after the other into the same memory: new memory for each takes as long again as the reading. */
class TableReader {
  #memory = Buffer.alloc(0);

  /** All of the file, until the next one is read. */
  async read(path: string): Promise<Buffer> {
    const file = await open(path);
    try {
      const { size } = await file.stat();
      if (size > this.#memory.length) this.#memory = Buffer.allocUnsafeSlow(size);
      let end = 0;
      for (let read = 1; read > 0 && end < size; end += read)
        read = (await file.read(this.#memory, end, size - end, end)).bytesRead;
      return this.#memory.subarray(0, end);
    } finally {
      await file.close();
    }
  }
}

/** Whether all blocks of a table that has an end are as they were written. */
async function isSound(table: Buffer): Promise<boolean> {
  if (table.length < FOOTER || table.readBigUInt64LE(table.length - 8) !== MAGIC) return true;
  let checked = 0;
  try {
    for (const block of blocksOf(table)) {
      checkBlock(table, block);
      checked += block.to - block.from;
      if (checked < SLICE) continue;
      checked = 0;
      await turn();
    }
    return true;
  } catch (thrown) {
    if (thrown instanceof RangeError) return false;
    throw thrown;
  }
}

/** All blocks of a table. What makes no sense is a RangeError, as it is where Node reads beyond a buffer. */
function* blocksOf(table: Buffer): Generator<Place> {
  const footer = new Reader(table, table.length - FOOTER);
  for (const list of [placeIn(footer, table), placeIn(footer, table)]) {
    yield list;
    yield* listed(contentsOf(table, list), table);
  }
}

/** The blocks that an index lists: its values are their places. */
function* listed(index: Buffer, table: Buffer): Generator<Place> {
  const restarts = index.readUInt32LE(index.length - 4);
  const end = index.length - 4 * (restarts + 1);
  const reader = new Reader(index, 0);
  while (reader.at < end) {
    reader.number();
    const keyLength = reader.number();
    reader.number();
    reader.at += keyLength;
    yield placeIn(reader, table);
  }
}

function contentsOf(table: Buffer, { from, to }: Place): Buffer {
  const block = table.subarray(from, to);
  return table.readUInt8(to) === SNAPPY ? unsnap(block, LARGEST_INDEX) : block;
}

function placeIn(reader: Reader, table: Buffer): Place {
  const from = reader.number();
  const to = from + reader.number();
  if (to + TRAILER > table.length) throw new RangeError('beyond the end');
  return { from, to };
}

function checkBlock(table: Buffer, { from, to }: Place): void {
  const masked = table.readUInt32LE(to + 1);
  const rotated = (masked - 0xa282ead8) >>> 0;
  const crc = ((rotated >>> 17) | (rotated << 15)) >>> 0;
  if (crc32c(table, from, to + 1) !== crc) throw new RangeError('checksum');
}

/** Reads variable-length numbers, seven bits a byte. */
class Reader {
  readonly #bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  number(): number {
    for (let value = 0, unit = 1; ; unit *= 128) {
      const byte = this.#bytes.readUInt8(this.at++);
      value += (byte & 0x7f) * unit;
      if (byte < 0x80) return value;
    }
  }
}
