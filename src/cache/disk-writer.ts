import { setImmediate as turn } from 'node:timers/promises';
import type { Codec } from '../codec/compress.ts';
import type { Clock } from '../shared/clock.ts';
import type { DiskIndex, Slot } from './disk-index.ts';
import { recordKey, stubKey } from './disk-keys.ts';
import type { Batch, DiskQueue } from './disk-queue.ts';
import type { DiskSpace } from './disk-space.ts';
import type { Entry } from './entry.ts';
import type { Change, Engine } from './leveldb.ts';
import { type Listed, listedOf } from './listed.ts';
import { digestOf, type Stub, toRecord, toStubRecord } from './record.ts';

/** What {@link DiskWriter} works with. */
export interface WriterOptions {
  readonly engine: Engine;
  readonly index: DiskIndex;
  readonly queue: DiskQueue;
  readonly space: DiskSpace;
  readonly codec: Codec;
  readonly clock: Clock;
  /** Told of every record given up for its space or for its age. */
  readonly onDropped: (slot: Slot) => void;
  /** Told of every record whose body is not a vector: the bytes of the body, and of the record. */
  readonly onPacked: (rawBytes: number, storedBytes: number) => void;
  /** Told the ids of the entries that were not written because there is no room on the disk. */
  readonly onRefused: (ids: readonly string[]) => void;
}

/** Entries packed and written at a time, in bytes: about 4 ms of packing. */
const BATCH_BYTES = 256 * 1024;
/** Records dropped before other work gets a turn. */
const SLICE = 256;
/** Where eviction ends, once the budget is full: each round then frees enough for many writes. */
const LOW_WATERMARK = 0.9;
/** Bytes a record takes beside its frame and the texts of its stub: the rest of that, two keys, LevelDB's tables. */
const OVERHEAD = 220;

/** Brings what is queued onto the disk, and the disk within its budget. The only one that writes. */
export class DiskWriter {
  readonly #options: WriterOptions;
  #ended = false;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  /** Whether there is anything to be written or to be dropped for the budget's sake. */
  get pending(): boolean {
    return !this.#ended && (!this.#options.queue.empty || this.#excess(0) > 0);
  }

  /** Nothing is begun any more: what is queued is for the next writer. */
  end(): void {
    this.#ended = true;
  }

  /** Writes one batch. One call at a time. */
  async step(): Promise<void> {
    const { queue, space } = this.#options;
    const room = await space.room();
    if (this.#ended) return;
    if (!room) this.#refuse();
    await this.#write(queue.take(BATCH_BYTES, room));
  }

  /** Drops what is past its `keepUntil`. */
  async sweep(): Promise<void> {
    const { index, clock } = this.#options;
    await this.#dropWhile(() => index.dead(clock.now()));
  }

  async #write(batch: Batch): Promise<void> {
    const { engine, index, queue, space, clock } = this.#options;
    const records = [...batch.puts.values()].map((entry) => this.#toRecord(entry));
    for (const id of batch.deletions) index.remove(id);
    for (const id of batch.puts.keys()) index.remove(id);
    const size = records.reduce((sum, { stub }) => sum + stub.size, 0);
    await this.#makeRoom(size);
    for (const { id, stub } of records) index.add(id, stub, clock.now());
    const changes = [
      ...[...batch.deletions].flatMap(deletion),
      ...records.flatMap((record) => record.changes),
    ];
    if (changes.length > 0) await engine.write(changes);
    queue.done();
    space.wrote(size);
  }

  #toRecord(entry: Entry): { readonly id: string; readonly stub: Stub; readonly changes: readonly Change[] } {
    const { id } = entry.key;
    const digest = digestOf(id);
    const value = toRecord(entry, digest, this.#options.codec);
    const { form, body } = entry.payload;
    if (form !== 'vector') this.#options.onPacked(body.length, value.length);
    const listed = listedOf(entry);
    const stub = { size: value.length + OVERHEAD + chargeOfListed(listed), listed };
    const changes = [
      { key: recordKey(digest), value },
      { key: stubKey(digest), value: toStubRecord(stub, digest) },
    ];
    return { id, stub, changes };
  }

  async #makeRoom(size: number): Promise<void> {
    const { index, space, clock } = this.#options;
    if (this.#excess(size) <= 0) return;
    const spared = (1 - LOW_WATERMARK) * space.budget;
    await this.#dropWhile(() => (this.#excess(size) > -spared ? index.victim(clock.now()) : undefined));
  }

  async #dropWhile(next: () => Slot | undefined): Promise<void> {
    const { index, queue, onDropped } = this.#options;
    let dropped = 0;
    for (let slot = next(); slot !== undefined; slot = next()) {
      index.remove(slot.id);
      queue.erase(slot.id);
      onDropped(slot);
      if (++dropped % SLICE === 0) await turn();
    }
  }

  #excess(size: number): number {
    return this.#options.index.bytes + size - this.#options.space.budget;
  }

  /** Gives up what waits: it cannot be written, and what it would have replaced must not come back. */
  #refuse(): void {
    const { index, queue, onRefused } = this.#options;
    const ids = queue.dropAll();
    for (const id of ids) if (index.mayHold(id)) queue.erase(id);
    onRefused(ids);
  }
}

/** Bytes of a stub's texts, about. */
function chargeOfListed({ key, tags }: Listed): number {
  return tags.reduce((sum, [tag]) => sum + tag.length + 24, key.shown.length);
}

function deletion(id: string): readonly Change[] {
  const digest = digestOf(id);
  return [{ key: recordKey(digest) }, { key: stubKey(digest) }];
}
