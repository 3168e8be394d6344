import type { Clock, Timer } from '../shared/clock.ts';
import { type FolderSize, measureFolder } from './folder-size.ts';
import type { Engine } from './leveldb.ts';

/** What {@link DiskSpace} watches over. */
export interface SpaceOptions {
  readonly folder: string;
  /** What the folder was when it was opened. */
  readonly opened: FolderSize;
  readonly engine: Engine;
  /** The budget for live records, in bytes. */
  readonly maxBytes: number;
  readonly writeBuffer: number;
  readonly clock: Clock;
}

/** Times the budget at which dead records are compacted away, and at which nothing is written before they are. */
const COMPACT_AT = 1.35;
const HOLD_AT = 1.6;
/** Times the budget that the folder may take at its worst, while tables are merged. */
export const AT_WORST = 2.5;
const CHECK_EVERY_MS = 5_000;
/** While there is no room, the folder is looked at although nothing is to be written. */
const AGAIN_MS = 15_000;

/**
 * Keeps what the folder really takes within bounds. LevelDB frees the space of deleted records only as it compacts, and
 * at full speed compaction falls behind without limit (measured: five times the live bytes), so writing waits for it.
 */
export class DiskSpace {
  readonly #options: SpaceOptions;
  #size: FolderSize;
  #writtenSince = 0;
  #checkedAt = Number.NEGATIVE_INFINITY;
  /** What compaction left the last time: below that another one gains nothing. */
  #floor = 0;
  #compaction: Promise<void> | undefined;
  /** What a compaction failed with. */
  #broken: unknown;
  #shortage: string | undefined;
  #again: Timer | undefined;
  #closed = false;

  constructor(options: SpaceOptions) {
    this.#options = options;
    this.#size = options.opened;
  }

  /** Bytes of live records to keep: what the settings say, or less where the disk has no room for that much. */
  get budget(): number {
    return Math.min(this.#options.maxBytes, (this.#size.used + this.#size.free) / AT_WORST);
  }

  /** Why nothing is written at present, in words for an operator; undefined if there is room. */
  get shortage(): string | undefined {
    return this.#shortage;
  }

  /** Told of every write, in bytes. */
  wrote(bytes: number): void {
    this.#writtenSince += bytes;
  }

  /** Whether more may be written; waits for a compaction if that takes one. Rejects if the folder is gone. */
  async room(): Promise<boolean> {
    const { maxBytes, clock } = this.#options;
    const due = this.#writtenSince >= maxBytes / 16 || clock.elapsed() - this.#checkedAt >= CHECK_EVERY_MS;
    if (!due) return this.#shortage === undefined;
    await this.#measure();
    const held = this.#size.used > HOLD_AT * this.budget;
    const worthwhile = this.#size.used > Math.max(COMPACT_AT * this.budget, this.#floor + this.budget / 8);
    if (worthwhile || (held && this.#shortage === undefined)) this.#compact();
    if (held) {
      await this.#compaction;
      await this.#measure();
    }
    this.#judge();
    return this.#shortage === undefined;
  }

  /**
   * For idle times: compacts where the folder takes more than twice its `live` bytes. Says whether it does so even
   * after that, which means that records lie there that nobody knows of.
   */
  async tidy(live: number): Promise<boolean> {
    await this.#measure();
    if (!this.#bloated(live)) return false;
    this.#compact();
    await this.#compaction;
    return this.#bloated(live);
  }

  /**
   * Whether, when last measured, the database's own diaries had outgrown their share. They grow by about half a
   * thousandth of what is written, without end, and only opening the database anew begins new ones.
   */
  get overgrown(): boolean {
    return this.#size.diaries > this.#options.writeBuffer;
  }

  /** The folder is looked at no more. */
  close(): void {
    this.#closed = true;
    this.#again?.cancel();
  }

  /** Whether there is room, as last measured; where there is none, that is found out anew after a while. */
  #judge(): void {
    this.#shortage = this.#findShortage();
    this.#again?.cancel();
    if (this.#shortage === undefined || this.#closed) return;
    this.#again = this.#options.clock.after(AGAIN_MS, () => void this.#lookAgain());
  }

  async #lookAgain(): Promise<void> {
    try {
      await this.#measure();
      this.#judge();
    } catch {
      // What is wrong with the folder comes up at the next write.
    }
  }

  #bloated(live: number): boolean {
    return this.#size.used > 2 * live + 4 * this.#options.writeBuffer;
  }

  #compact(): void {
    this.#compaction ??= this.#compacted();
  }

  /** Never rejects: it is not always awaited. What went wrong comes up at the next look at the folder. */
  async #compacted(): Promise<void> {
    try {
      await this.#options.engine.compact();
      await this.#measure();
      this.#floor = this.#size.used;
    } catch (thrown) {
      this.#broken = thrown;
    } finally {
      this.#compaction = undefined;
    }
  }

  async #measure(): Promise<void> {
    if (this.#broken !== undefined) throw this.#broken;
    const { folder, opened, clock } = this.#options;
    this.#writtenSince = 0;
    this.#checkedAt = clock.elapsed();
    const measured = await measureFolder(folder);
    if (measured.inode !== opened.inode) throw new Error(`another folder stands in the place of ${folder}`);
    this.#size = measured;
  }

  #findShortage(): string | undefined {
    const { folder, writeBuffer } = this.#options;
    const { used, free } = this.#size;
    // LevelDB stops for good when a write fails; next it may need room for a table and for another log.
    if (free < 2 * writeBuffer) return `only ${free} bytes are free on the disk of ${folder}`;
    return used > HOLD_AT * this.budget
      ? `${folder} takes ${used} bytes, too many for its budget`
      : undefined;
  }
}
