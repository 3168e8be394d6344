import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Level } from 'level';
import { assertRoom } from './folder-size.ts';
import { damagedAmong } from './leveldb-table.ts';
import { tablesIn, unvouchedTables, vouchForTables } from './vouched-tables.ts';

/** One change: `value` is absent where the key is deleted. */
export interface Change {
  readonly key: Buffer;
  readonly value?: Buffer;
}

/** An open database of bytes by bytes. What it cannot do, it throws or rejects. */
export interface Engine {
  /** The value at once; for small values that are likely to be in memory. */
  getSync(key: Buffer): Buffer | undefined;
  getMany(keys: readonly Buffer[]): Promise<readonly (Buffer | undefined)[]>;
  /** All of `changes` or, if the process dies meanwhile, none of them. */
  write(changes: readonly Change[]): Promise<void>;
  /** Keys and values from `from` up to, not including, `to`, as they were when the scan began; in slices of `slice`. */
  scan(
    from: Buffer,
    to: Buffer,
    slice: number,
  ): AsyncIterable<readonly (readonly [key: Buffer, value: Buffer])[]>;
  /** As {@link scan}, without reading the values. */
  keys(from: Buffer, to: Buffer, slice: number): AsyncIterable<readonly Buffer[]>;
  /** Frees what deleted and overwritten records still take on disk. */
  compact(): Promise<void>;
  /** Closes and opens the database again, which is the only way to shorten its own diaries. Reads fail meanwhile. */
  renew(): Promise<void>;
  /** Closes it; `vouched` says that nothing that was read of it was damaged, so that the next to open it need not check all of it. */
  close(vouched?: boolean): Promise<void>;
}

/** What suits a database of a certain size. */
export interface EngineTuning {
  /** Bytes kept in memory before they become a table on disk; up to twice as many are in use. */
  readonly writeBuffer: number;
  /** Bytes of a table on disk. */
  readonly tableSize: number;
}

/** How a database is opened. */
export interface EngineOptions extends EngineTuning {
  readonly createIfMissing: boolean;
}

/** Opens and mends databases, each a folder. */
export interface EngineMaker {
  /** Opens what is undamaged, as far as it can be told; refuses the rest. */
  open(folder: string, options: EngineOptions): Promise<Engine>;
  /** Rebuilds what can be rebuilt from the tables that are left. Takes no lock: not for a folder in use. */
  repair(folder: string): Promise<void>;
}

/** Whether a database could not be opened because another process, or another part of this one, has it open. */
export function isLocked(thrown: unknown): boolean {
  return (
    thrown instanceof Error && (Reflect.get(thrown, 'code') === 'LEVEL_LOCKED' || isLocked(thrown.cause))
  );
}

/** Whether a database failed because what lies on disk is damaged. */
export function isCorrupted(thrown: unknown): boolean {
  return (
    thrown instanceof Error &&
    (Reflect.get(thrown, 'code') === 'LEVEL_CORRUPTION' || isCorrupted(thrown.cause))
  );
}

/**
 * Whether a database failed for want of what the system gives: room, rights, descriptors. That says nothing of its
 * contents. Node and LevelDB both use the system's own words (strerror), and LevelDB gives no others.
 */
export function isOutage(thrown: unknown): boolean {
  return thrown instanceof Error && (OUTAGE.test(thrown.message) || isOutage(thrown.cause));
}

const OUTAGE =
  /no space left|quota exceeded|file too large|read-only file system|permission denied|too many open files|cannot allocate/i;

/** What `level` is made of in Node, with what its typings, shared with browsers, leave out. */
interface Native extends Level<Buffer, Buffer> {
  getSync(key: Buffer): Buffer | undefined;
  compactRange(start: Buffer, end: Buffer): Promise<void>;
}

interface NativeClass {
  new (location: string, options: object): Native;
  repair(location: string): Promise<void>;
}

const NativeLevel = nativeClass(Level);

/** LevelDB through the `level` package. */
export const levelDb: EngineMaker = {
  async open(folder, options) {
    // First of all: whoever may open it later must not think that it is free.
    await assertUnlocked(folder);
    await assertRoom(folder);
    const damaged = await damagedAmong(await unvouchedTables(folder), folder);
    if (damaged.length > 0) throw new Error(`damaged: ${damaged.join(', ')}`);
    const db = new NativeLevel(folder, {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
      createIfMissing: options.createIfMissing,
      writeBufferSize: options.writeBuffer,
      maxFileSize: options.tableSize,
    });
    await db.open();
    return new LevelEngine(db, folder);
  },
  async repair(folder) {
    for (const name of await damagedAmong(await tablesIn(folder), folder)) await rm(join(folder, name));
    await NativeLevel.repair(folder);
  },
};

/** Rejects if somebody has the database open: asked to make one where there is one, LevelDB tries the lock and no more. */
async function assertUnlocked(folder: string): Promise<void> {
  const probe = new NativeLevel(folder, { createIfMissing: false, errorIfExists: true });
  try {
    await probe.open();
  } catch (thrown) {
    if (isLocked(thrown)) throw thrown;
  } finally {
    await probe.close();
  }
}

class LevelEngine implements Engine {
  readonly #db: Native;
  readonly #folder: string;

  constructor(db: Native, folder: string) {
    this.#db = db;
    this.#folder = folder;
  }

  getSync(key: Buffer): Buffer | undefined {
    return this.#db.getSync(key);
  }

  getMany(keys: readonly Buffer[]): Promise<readonly (Buffer | undefined)[]> {
    return this.#db.getMany([...keys]);
  }

  write(changes: readonly Change[]): Promise<void> {
    return this.#db.batch(
      changes.map(({ key, value }) =>
        value === undefined ? { type: 'del' as const, key } : { type: 'put' as const, key, value },
      ),
    );
  }

  scan(from: Buffer, to: Buffer, slice: number): AsyncIterable<[Buffer, Buffer][]> {
    return inSlices(() => this.#db.iterator({ gte: from, lt: to }), slice);
  }

  keys(from: Buffer, to: Buffer, slice: number): AsyncIterable<Buffer[]> {
    return inSlices(() => this.#db.keys({ gte: from, lt: to }), slice);
  }

  compact(): Promise<void> {
    return this.#db.compactRange(Buffer.alloc(1, 0x00), Buffer.alloc(1, 0xff));
  }

  async renew(): Promise<void> {
    await this.#db.close();
    await this.#db.open();
  }

  async close(vouched = false): Promise<void> {
    // While nobody else can have it open.
    if (vouched) await vouchForTables(this.#folder);
    await this.#db.close();
  }
}

/** What an iterator gives, which is opened when the first slice is asked for. */
async function* inSlices<T>(
  open: () => { nextv(size: number): Promise<T[]>; close(): Promise<void> },
  slice: number,
): AsyncGenerator<T[]> {
  const iterator = open();
  try {
    for (let read = await iterator.nextv(slice); read.length > 0; read = await iterator.nextv(slice))
      yield read;
  } finally {
    await iterator.close();
  }
}

function isNativeClass(candidate: unknown): candidate is NativeClass {
  return typeof candidate === 'function' && 'repair' in candidate;
}

function nativeClass(candidate: unknown): NativeClass {
  if (isNativeClass(candidate)) return candidate;
  throw new Error('the level package is not the one for Node');
}
