import { setImmediate as turn } from 'node:timers/promises';
import type { Codec } from '../codec/compress.ts';
import type { Clock } from '../shared/clock.ts';
import { isOver } from '../shared/life.ts';
import { openFolder, type Trust } from './disk-folder.ts';
import { DiskIndex, type Slot } from './disk-index.ts';
import { findOrphans, loadIndex, recordKey } from './disk-keys.ts';
import type { DiskQueue } from './disk-queue.ts';
import { DiskSpace } from './disk-space.ts';
import { DiskWriter } from './disk-writer.ts';
import type { Entry } from './entry.ts';
import { type FolderSize, measureFolder } from './folder-size.ts';
import type { Engine, EngineMaker, EngineTuning } from './leveldb.ts';
import type { Listed } from './listed.ts';
import { digestOf, fromRecord } from './record.ts';

/** What {@link DiskSession.open} needs. */
export interface SessionOptions {
  readonly folder: string;
  readonly maker: EngineMaker;
  readonly queue: DiskQueue;
  readonly codec: Codec;
  /** The budget for live records, in bytes. */
  readonly maxBytes: number;
  /** The largest body, in bytes. */
  readonly maxEntry: number;
  readonly clock: Clock;
  /** Below which stamp nothing is alive. */
  readonly least: () => number;
  readonly notify: (message: string) => void;
  /** Told of every record given up for its space or for its age. */
  readonly onDropped: (slot: Slot) => void;
  /** Told of every record that the index is filled with. */
  readonly onLoaded: (listed: Listed) => void;
  /** Told the id of every record that is damaged, or could not be written. */
  readonly onLost: (id: string) => void;
  /** Told of every record that is made: the bytes of its body, unless that is a vector, and its own. */
  readonly onPacked: (rawBytes: number, storedBytes: number) => void;
  /** Told that a read came to nothing. */
  readonly onFault: () => void;
}

/** Records up to this size are read at once: 3 to 13 µs from the page cache, where a promise costs 25 to 53 (measured). */
const READ_AT_ONCE = 64 * 1024;
/** Records taken apart before other work gets a turn. */
const SLICE = 256;

/**
 * A database from its opening until it is closed or fails. Reading never throws; writing, sweeping and loading reject
 * when the database has become unusable, and then the session is over.
 */
export class DiskSession {
  readonly index = new DiskIndex();
  readonly #options: SessionOptions;
  readonly #engine: Engine;
  readonly #space: DiskSpace;
  readonly #writer: DiskWriter;
  #flushing: Promise<void> | undefined;
  #closed = false;
  /** Whether nothing that was read was damaged. */
  #isSound = true;

  private constructor(options: SessionOptions, engine: Engine, writeBuffer: number, opened: FolderSize) {
    const { folder, queue, codec, maxBytes, clock, onDropped, onLost, onPacked } = options;
    const { index } = this;
    this.#options = options;
    this.#engine = engine;
    this.#space = new DiskSpace({ folder, opened, engine, maxBytes, writeBuffer, clock });
    const space = this.#space;
    this.#writer = new DiskWriter({
      engine,
      index,
      queue,
      space,
      codec,
      clock,
      onDropped,
      onPacked,
      onRefused: (ids) => ids.forEach(onLost),
    });
  }

  /** Opens the folder's database as {@link openFolder} does, and throws what it throws. */
  static async open(options: SessionOptions, trust: Trust): Promise<DiskSession> {
    const { folder, maker, maxBytes, clock, notify } = options;
    const tuning = tuningFor(maxBytes);
    const engine = await openFolder({ folder, maker, tuning, now: clock.now(), notify }, trust);
    try {
      return new DiskSession(options, engine, tuning.writeBuffer, await measureFolder(folder));
    } catch (thrown) {
      await engine.close();
      throw thrown;
    }
  }

  /** Why nothing is written at present; undefined if all is well. */
  get shortage(): string | undefined {
    return this.#space.shortage;
  }

  /** The entry under `id`, also one still to be written. */
  read(id: string): Entry | undefined | Promise<Entry | undefined> {
    const pending = this.#options.queue.look(id);
    if (pending !== undefined) return this.#alive(pending.entry);
    if (!this.#mayHold(id)) return undefined;
    const slot = this.index.get(id);
    if (slot === undefined || slot.size > READ_AT_ONCE) return this.#readLater(id, slot);
    const digest = digestOf(id);
    try {
      return this.#accept(id, digest, this.#engine.getSync(recordKey(digest)));
    } catch {
      return this.#fault();
    }
  }

  /** Those of `ids` that are here; the database is asked once. */
  async readMany(ids: readonly string[]): Promise<Map<string, Entry>> {
    const found = new Map<string, Entry>();
    const asked: { id: string; digest: Buffer; slot: Slot | undefined }[] = [];
    for (const id of ids) {
      const pending = this.#options.queue.look(id);
      const entry = this.#alive(pending?.entry);
      if (entry !== undefined) found.set(id, entry);
      if (pending === undefined && this.#mayHold(id))
        asked.push({ id, digest: digestOf(id), slot: this.index.get(id) });
    }
    const values = await this.#getMany(asked.map(({ digest }) => recordKey(digest)));
    for (const [at, { id, digest, slot }] of asked.entries()) {
      if (at % SLICE === SLICE - 1) await turn();
      const entry = this.#changed(id, slot) ? await this.read(id) : this.#accept(id, digest, values[at]);
      if (entry !== undefined) found.set(id, entry);
    }
    return found;
  }

  /** Fills the index from the disk. */
  async load(): Promise<void> {
    const { clock, least, onLoaded } = this.#options;
    const now = clock.now();
    const isDead = (listed: Listed) => isOver(listed, now) || listed.stamp < least();
    await loadIndex(this.#engine, this.index, { now, isDead }, onLoaded, (id) => this.#discard(id));
  }

  /** Writes all that is queued. */
  flush(): Promise<void> {
    if (this.#writer.pending) this.#flushing ??= this.#drain();
    return this.#flushing ?? Promise.resolve();
  }

  /** Drops what is past its `keepUntil`, and frees its space on disk where that is much. */
  async sweep(): Promise<void> {
    await this.flush();
    await this.#writer.sweep();
    await this.flush();
    if (!this.index.complete) return;
    if (await this.#space.tidy(this.index.bytes)) {
      await findOrphans(this.#engine, this.index, (id) => this.#options.queue.erase(id));
      await this.flush();
    }
    if (this.#space.overgrown) await this.#renew();
  }

  /** Lets go of the folder, `inOrder` if that is not because something failed. Nothing is read or written after that. */
  async close(inOrder = false): Promise<void> {
    this.#closed = true;
    this.#writer.end();
    this.#space.close();
    await this.#engine.close(inOrder && this.#isSound);
  }

  /** Ends in the same turn in which it finds nothing more to do: what is queued later starts another one. */
  async #drain(): Promise<void> {
    try {
      do await this.#writer.step();
      while (this.#writer.pending);
    } finally {
      this.#flushing = undefined;
    }
  }

  /** Takes the place of a flush, so that nothing is written meanwhile. */
  async #renew(): Promise<void> {
    while (this.#flushing !== undefined) await this.#flushing;
    this.#flushing = this.#engine.renew().finally(() => {
      this.#flushing = undefined;
    });
    await this.#flushing;
    await this.flush();
  }

  async #readLater(id: string, slot: Slot | undefined): Promise<Entry | undefined> {
    const digest = digestOf(id);
    const [bytes] = await this.#getMany([recordKey(digest)]);
    return this.#changed(id, slot) ? this.read(id) : this.#accept(id, digest, bytes);
  }

  /** A read that fails may do better the next time: it is a miss and a fault, and the record stays. */
  async #getMany(keys: readonly Buffer[]): Promise<readonly (Buffer | undefined)[]> {
    if (keys.length === 0) return [];
    try {
      return await this.#engine.getMany(keys);
    } catch {
      this.#fault();
      return [];
    }
  }

  #mayHold(id: string): boolean {
    const slot = this.index.get(id);
    return slot === undefined ? this.index.mayHold(id) : !isOver(slot, this.#options.clock.now());
  }

  /** Whether what was read of `id` since the index knew it as `slot` may be old. */
  #changed(id: string, slot: Slot | undefined): boolean {
    if (this.#closed) return false;
    return (
      this.#options.queue.look(id) !== undefined || this.index.get(id) !== slot || !this.index.mayHold(id)
    );
  }

  #accept(id: string, digest: Buffer, bytes: Buffer | undefined): Entry | undefined {
    if (bytes === undefined) return undefined;
    const entry = fromRecord(bytes, id, digest, this.#options.maxEntry);
    if (entry === undefined) return this.#discard(id);
    if (entry.stamp < this.#options.least()) return undefined;
    this.index.touch(id, this.#options.clock.now());
    return this.#alive(entry);
  }

  #alive(entry: Entry | undefined): Entry | undefined {
    return entry !== undefined && !isOver(entry, this.#options.clock.now()) ? entry : undefined;
  }

  /** What is damaged will not get better. */
  #discard(id: string): undefined {
    this.#isSound = false;
    this.index.remove(id);
    this.#options.queue.erase(id);
    if (!this.#closed) this.#options.onLost(id);
    return undefined;
  }

  #fault(): undefined {
    this.#isSound = false;
    if (!this.#closed) this.#options.onFault();
    return undefined;
  }
}

/**
 * Both in proportion to the budget: the log, up to two write buffers, counts against it, and the number of tables stays
 * in the hundreds.
 */
function tuningFor(maxBytes: number): EngineTuning {
  return {
    writeBuffer: Math.round(Math.min(16_000_000, Math.max(250_000, maxBytes / 16))),
    tableSize: Math.round(Math.min(64_000_000, Math.max(2_000_000, maxBytes / 512))),
  };
}
