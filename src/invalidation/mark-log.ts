import type { Numbered } from '../cache/announced.ts';
import type { Place } from '../cache/bus.ts';
import { isCondition } from '../cache/condition.ts';
import { Journal } from '../cache/journal.ts';
import type { Mark } from '../cache/mark.ts';
import type { Marks } from '../cache/marks.ts';
import { type Clock, every, type Timer } from '../shared/clock.ts';
import { messageOf } from '../shared/errors.ts';
import { type Stamps, stampOf } from '../shared/stamps.ts';
import { Ledger, readNumbered, readPlace } from './ledger.ts';

/** How far ahead of the clock stamps are promised to stay below: after a crash they go on above that. */
const RESERVE_MS = 2 * 3_600_000;
const DAY_MS = 24 * 3_600_000;
/** Bytes of the file from which on it is rewritten when it has doubled. */
const LEAST_REWRITTEN = 1_000_000;
/** Numbers of the shared table in one record. */
const NUMBERED = 1_000;

/** What keeping marks takes. */
export interface MarkLogOptions {
  readonly path: string;
  /** Whether nothing can lie on the disk yet that a mark could concern: that there is no log is as it should be. */
  readonly fresh: boolean;
  readonly marks: Marks;
  readonly stamps: Stamps;
  readonly clock: Clock;
}

/**
 * The marks on disk, read before anything is served. A log that cannot be proven whole may lack some, so that nothing that lies on
 * the disk can be trusted.
 */
export class MarkLog {
  /** What is remembered of the bus, beside the marks. */
  readonly ledger = new Ledger();
  readonly #options: MarkLogOptions;
  readonly #reserving: Timer;
  /** Undefined while the file cannot be used. */
  #journal: Promise<Journal> | undefined;
  #doubt: string | undefined;
  /** The file's length when it was last rewritten. */
  #rewritten = 0;

  private constructor(options: MarkLogOptions) {
    this.#options = options;
    this.#reserving = every(options.clock, RESERVE_MS / 2, () => void this.#reserve().catch(() => undefined));
  }

  /**
   * Reads the marks kept at `options.path` into `options.marks`. Where they may not be all, everything that was asked for up to now,
   * and up to a day ahead of a clock that was set back, counts as purged. A file that cannot be used is tried again with each mark.
   */
  static async open(options: MarkLogOptions): Promise<MarkLog> {
    const log = new MarkLog(options);
    const journal = await log.#opened().catch(() => undefined);
    if (!log.trusted) giveUp(options);
    if (journal !== undefined) await log.#rewrite(journal, RESERVE_MS).catch(() => undefined);
    return log;
  }

  /** Whether the marks that were found are all that were ever kept. */
  get trusted(): boolean {
    return this.#doubt === undefined;
  }

  /** Why not all of them may have been found. */
  get doubt(): string | undefined {
    return this.#doubt;
  }

  /** Resolves when these marks, which are among the others already, survive a crash. Rejects if they may not. */
  async keep(marks: readonly Mark[]): Promise<void> {
    await this.#keep(marks.map(toRecord));
  }

  /** As {@link keep}, for marks that are still to be announced to others. */
  async keepOwn(marks: readonly Mark[]): Promise<void> {
    this.ledger.owe(marks);
    await this.#keep(marks.map(toOwnRecord));
  }

  /** As {@link keep}, for marks of others: with them everything up to `place` is kept, and what numbers the shared table has told. */
  async keepTold(marks: readonly Mark[], numbered: readonly Numbered[], place: Place): Promise<void> {
    this.ledger.place = place;
    await this.#keep([...marks.map(toRecord), ...placeRecords(place, numbered)]);
  }

  /** Own marks up to this stamp have been announced, under these numbers. Resolves when that is on disk. */
  async handed(stamp: number, numbered: readonly Numbered[]): Promise<void> {
    this.ledger.handed(stamp);
    await this.#keep([{ handed: stamp, numbered }]);
  }

  async #keep(records: readonly object[]): Promise<void> {
    const journal = await this.#write(records);
    const isLarge = journal.length > Math.max(LEAST_REWRITTEN, 2 * this.#rewritten);
    // If that fails, what has just been written still stands, in the old file or in the new one.
    if (isLarge) await this.#rewrite(journal, RESERVE_MS).catch(() => undefined);
  }

  /** Writes what is left, and lets go of the file. */
  async close(): Promise<void> {
    this.#reserving.cancel();
    const journal = await this.#journal;
    if (journal === undefined) return;
    await this.#rewrite(journal, 0).catch(() => undefined);
    await journal.close();
  }

  /** The file, opened once. */
  #opened(): Promise<Journal> {
    this.#journal ??= this.#open();
    return this.#journal;
  }

  async #open(): Promise<Journal> {
    try {
      const { path, fresh } = this.#options;
      const { journal, records, whole, flaw } = await Journal.open(path);
      const understood = records.map((record) => take(record, this.#options, this.ledger)).every(Boolean);
      if (flaw === 'absent' && !fresh) this.#doubt = `${path} is not there`;
      else if (!whole && flaw !== 'absent') this.#doubt = `${path} is damaged`;
      else this.#doubt = understood ? undefined : `${path} is of another version`;
      return journal;
    } catch (thrown) {
      this.#doubt = messageOf(thrown);
      this.#journal = undefined;
      throw thrown;
    }
  }

  async #write(records: readonly object[]): Promise<Journal> {
    const journal = await this.#opened();
    try {
      await journal.append(records);
    } catch {
      // What cannot be added to may yet be written anew, with all that there is.
      await this.#rewrite(journal, RESERVE_MS);
    }
    return journal;
  }

  async #rewrite(journal: Journal, aheadMs: number): Promise<void> {
    const { place, announced, unsent } = this.ledger;
    const { marks } = this.#options;
    await journal.rewrite([
      ...[...marks.all()].map(toRecord),
      ...(marks.retired > 0 ? [{ retired: marks.retired }] : []),
      ...unsent.map(toOwnRecord),
      ...(place === undefined ? [] : placeRecords(place, announced.all())),
      this.#ceiling(aheadMs),
    ]);
    this.#rewritten = journal.length;
  }

  /** Stamps stay below a ceiling that is on disk, so that after a crash none is given twice, even if the clock is set back. */
  async #reserve(): Promise<void> {
    await this.#write([this.#ceiling(RESERVE_MS)]);
  }

  #ceiling(aheadMs: number): { readonly ceiling: number } {
    const { stamps, clock } = this.#options;
    return { ceiling: Math.max(stamps.last, stampOf(clock.now())) + stampOf(aheadMs) };
  }
}

/** Counts everything that was asked for so far, or may have been by a clock that was ahead, as purged. */
function giveUp({ marks, stamps, clock }: MarkLogOptions): void {
  const stamp = Math.max(stamps.last, stampOf(clock.now() + DAY_MS));
  marks.add({ condition: undefined, effect: 'purge', stamp });
  stamps.observe(stamp);
}

/** Takes in a record; false for one that is not understood. */
function take(record: unknown, { marks, stamps }: MarkLogOptions, ledger: Ledger): boolean {
  if (typeof record !== 'object' || record === null) return false;
  const numbered = 'numbered' in record ? readNumbered(record.numbered) : [];
  if ('place' in record) {
    const place = readPlace(record.place);
    // Numbers are of one life of the table.
    if (place?.epoch !== ledger.place?.epoch) ledger.announced.clear();
    ledger.place = place;
    for (const [text, seq] of numbered) ledger.announced.add(text, seq);
    return place !== undefined;
  }
  if ('handed' in record && typeof record.handed === 'number') {
    ledger.handed(record.handed);
    for (const [text, seq] of numbered) ledger.announced.add(text, seq);
    return true;
  }
  if ('retired' in record && typeof record.retired === 'number') {
    marks.retire(record.retired);
    return true;
  }
  if ('ceiling' in record && typeof record.ceiling === 'number') {
    stamps.observe(record.ceiling);
    return true;
  }
  const { condition, effect, stamp } = {
    condition: undefined,
    effect: undefined,
    stamp: undefined,
    ...record,
  };
  if (typeof stamp !== 'number' || (effect !== 'purge' && effect !== 'expire')) return false;
  if (condition !== undefined && !isCondition(condition)) return false;
  stamps.observe(stamp);
  marks.add({ condition, effect, stamp });
  if ('own' in record) ledger.owe([{ condition, effect, stamp }]);
  return true;
}

/** A place, and numbers as of it, in records of a good size. */
function placeRecords(place: Place, numbered: readonly Numbered[]): readonly object[] {
  const records: object[] = [];
  for (let at = 0; at < numbered.length; at += NUMBERED) {
    records.push({ place, numbered: numbered.slice(at, at + NUMBERED) });
  }
  return records.length === 0 ? [{ place }] : records;
}

function toRecord({ condition, effect, stamp }: Mark): object {
  return { ...(condition && { condition }), effect, stamp };
}

function toOwnRecord(mark: Mark): object {
  return { ...toRecord(mark), own: true };
}
