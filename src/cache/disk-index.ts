import { MinHeap } from './min-heap.ts';
import type { Stub } from './record.ts';

/** A record on disk, as the index knows it. */
export interface Slot {
  readonly id: string;
  /** Bytes the record takes of the budget. */
  readonly size: number;
  /** When the entry was asked for. */
  readonly stamp: number;
  readonly born: number;
  readonly freshUntil: number;
  readonly keepUntil: number;
  /** When it was last asked for, milliseconds since the epoch. */
  lastUse: number;
  /** The `lastUse` by which it is ordered; the order catches up only when it matters. */
  useRank: number;
  usePlace: number;
  /** When its state changes next: at `freshUntil` and then at `keepUntil`. */
  due: number;
  duePlace: number;
}

/**
 * What lies on disk, in memory: which ids, how large, until when of use. LevelDB frees disk only at compaction and its
 * own sizes lag far behind, so the budget is kept by the sizes counted here.
 */
export class DiskIndex {
  readonly #slots = new Map<string, Slot>();
  readonly #byUse = new MinHeap<Slot>(
    (slot) => slot.useRank,
    (slot) => slot.usePlace,
    (slot, place) => {
      slot.usePlace = place;
    },
  );
  readonly #byDue = new MinHeap<Slot>(
    (slot) => slot.due,
    (slot) => slot.duePlace,
    (slot, place) => {
      slot.duePlace = place;
    },
  );
  /** Past `freshUntil` but not past `keepUntil`, in the order in which they were found to be. */
  readonly #stale = new Set<Slot>();
  /** While loading: ids whose fate was decided since, of which what the scan reads is old. */
  #decided: Set<string> | undefined = new Set();
  #bytes = 0;

  /** How many entries are known. */
  get count(): number {
    return this.#slots.size;
  }

  /** The bytes of their records on disk. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether everything on disk is in here. Until then an id not found here may be on disk all the same. */
  get complete(): boolean {
    return this.#decided === undefined;
  }

  /** What is known of the entry with this id. */
  get(id: string): Slot | undefined {
    return this.#slots.get(id);
  }

  /** Whether the disk may hold something under `id`. */
  mayHold(id: string): boolean {
    return this.#slots.has(id) || (this.#decided !== undefined && !this.#decided.has(id));
  }

  /** A record that a scan of the disk found; false if it is ignored, its fate having been decided after the scan began. */
  load(id: string, stub: Stub): boolean {
    if (this.#decided?.has(id) !== false) return false;
    this.#insert(id, stub, stub.listed.born);
    return true;
  }

  /** The scan has seen everything. */
  loaded(): void {
    this.#decided = undefined;
  }

  /** A record that is being written; replaces the one known under its id. */
  add(id: string, stub: Stub, now: number): void {
    this.remove(id);
    this.#insert(id, stub, now);
  }

  /** The record is going to be deleted. */
  remove(id: string): void {
    this.#decided?.add(id);
    const slot = this.#slots.get(id);
    if (slot === undefined) return;
    this.#slots.delete(id);
    this.#byUse.remove(slot);
    this.#byDue.remove(slot);
    this.#stale.delete(slot);
    this.#bytes -= slot.size;
  }

  /** The record is in use. */
  touch(id: string, now: number): void {
    const slot = this.#slots.get(id);
    if (slot !== undefined) slot.lastUse = now;
  }

  /** A record past its `keepUntil`, if there is one. */
  dead(now: number): Slot | undefined {
    for (let slot = this.#byDue.first; slot !== undefined && slot.due <= now; slot = this.#byDue.first) {
      if (slot.keepUntil <= now) return slot;
      this.#stale.add(slot);
      slot.due = slot.keepUntil;
      this.#byDue.sink(slot);
    }
    return undefined;
  }

  /** What to give up first: what is past its `keepUntil`, then what is past its `freshUntil`, then the least recently used. */
  victim(now: number): Slot | undefined {
    const dead = this.dead(now);
    if (dead !== undefined) return dead;
    for (const stale of this.#stale) return stale;
    return this.#leastRecentlyUsed();
  }

  #leastRecentlyUsed(): Slot | undefined {
    for (let slot = this.#byUse.first; slot !== undefined; slot = this.#byUse.first) {
      if (slot.useRank >= slot.lastUse) return slot;
      slot.useRank = slot.lastUse;
      this.#byUse.sink(slot);
    }
    return undefined;
  }

  #insert(id: string, stub: Stub, lastUse: number): void {
    const { size } = stub;
    const { stamp, born, freshUntil, keepUntil } = stub.listed;
    const use = { lastUse, useRank: lastUse, usePlace: 0 };
    const slot = {
      id,
      size,
      stamp,
      born,
      freshUntil,
      keepUntil,
      ...use,
      due: Math.min(freshUntil, keepUntil),
      duePlace: 0,
    };
    this.#slots.set(id, slot);
    this.#byUse.add(slot);
    this.#byDue.add(slot);
    this.#bytes += size;
  }
}
