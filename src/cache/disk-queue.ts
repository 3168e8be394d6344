import { BriefMap } from '../shared/brief-map.ts';
import { chargeOf, type Entry } from './entry.ts';
import type { QueueFigures } from './tier.ts';

/** What waits under an id: an entry to be written or, without one, a deletion. */
export interface Pending {
  readonly entry: Entry | undefined;
}

/** What is written in one go. An id is in one of the two. */
export interface Batch {
  readonly puts: ReadonlyMap<string, Entry>;
  readonly deletions: ReadonlySet<string>;
}

const NOTHING: Batch = { puts: new Map(), deletions: new Set() };
const MAX_DELETIONS = 1_024;

/**
 * What is still to be written to disk: the last word on each id. Bounded in bytes: what waits longest is dropped when
 * more comes in than the disk takes. Deletions are never dropped.
 */
export class DiskQueue {
  readonly #maxBytes: number;
  readonly #puts = new BriefMap<string, Entry>();
  /** Also of ids that something waits to be put under: if that is dropped, they are still to be deleted. */
  readonly #deletions = new Set<string>();
  #bytes = 0;
  /** Taken, and not yet known to be on disk. */
  #writing = NOTHING;
  /** Resolves when the batch under way is written or given up. */
  #over = Promise.withResolvers<void>();

  /** `maxBytes` as {@link chargeOf} counts them. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The ids that wait to be deleted. */
  owed(): ReadonlySet<string> {
    return this.#deletions;
  }

  /** How much of what it may hold waits. */
  figures(): QueueFigures {
    return { bytes: this.#bytes, maxBytes: this.#maxBytes };
  }

  /** Whether nothing waits. */
  get empty(): boolean {
    return this.#puts.size === 0 && this.#deletions.size === 0;
  }

  /** What the queue knows of `id`; undefined if it is for the disk to say. */
  look(id: string): Pending | undefined {
    const entry = this.#puts.get(id);
    if (entry !== undefined) return { entry };
    if (this.#deletions.has(id)) return { entry: undefined };
    const written = this.#writing.puts.get(id);
    if (written !== undefined) return { entry: written };
    return this.#writing.deletions.has(id) ? { entry: undefined } : undefined;
  }

  /** Resolves when the batch that is written now, or else the next one, is on disk or given up. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** Takes an entry; gives the ids of those it dropped to make room. */
  put(entry: Entry): readonly string[] {
    const id = entry.key.id;
    this.#cancel(id);
    this.#puts.set(id, entry);
    this.#bytes += chargeOf(entry);
    return this.#dropOldest();
  }

  /** Forgets what waits under `id`; `erase` says whether the disk may hold something that is to be deleted. */
  delete(id: string, erase: boolean): void {
    this.#cancel(id);
    if (erase || this.#writing.puts.has(id)) this.#deletions.add(id);
  }

  /** Has the record on disk deleted, unless the newer one that may wait under its id replaces it. */
  erase(id: string): void {
    this.#deletions.add(id);
  }

  /** The next batch: up to `maxBytes` of entries, at least one; without `withPuts` deletions only. */
  take(maxBytes: number, withPuts: boolean): Batch {
    const deletions = new Set<string>();
    for (const id of this.#deletions) {
      if (deletions.size === MAX_DELETIONS) break;
      if (this.#puts.get(id) !== undefined) continue;
      deletions.add(id);
      this.#deletions.delete(id);
    }
    const puts = new Map<string, Entry>();
    let bytes = 0;
    for (const [id, entry] of withPuts ? this.#puts : NOTHING.puts) {
      if (puts.size > 0 && bytes + chargeOf(entry) > maxBytes) break;
      bytes += chargeOf(entry);
      puts.set(id, entry);
      this.#cancel(id);
      this.#deletions.delete(id);
    }
    this.#writing = { puts, deletions };
    return this.#writing;
  }

  /** The batch taken last is on disk. */
  done(): void {
    this.#writing = NOTHING;
    this.#over.resolve();
    this.#over = Promise.withResolvers();
  }

  /** The batch taken last may or may not be on disk: its entries are given up, and its ids are to be deleted. */
  failed(): void {
    const { puts, deletions } = this.#writing;
    this.done();
    for (const id of [...puts.keys(), ...deletions]) this.erase(id);
  }

  /** Gives up all entries that wait; gives their ids. */
  dropAll(): readonly string[] {
    const ids = [...this.#puts.keys()];
    this.#puts.clear();
    this.#bytes = 0;
    return ids;
  }

  /** Forgets everything, also what was to be deleted. */
  clear(): void {
    this.dropAll();
    this.#deletions.clear();
    this.#writing = NOTHING;
  }

  #cancel(id: string): void {
    const entry = this.#puts.get(id);
    if (entry === undefined) return;
    this.#puts.delete(id);
    this.#bytes -= chargeOf(entry);
  }

  #dropOldest(): readonly string[] {
    const dropped: string[] = [];
    for (const id of this.#puts.keys()) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#cancel(id);
      dropped.push(id);
    }
    return dropped;
  }
}
