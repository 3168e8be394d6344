import type { Condition } from '../cache/condition.ts';
import { Journal } from '../cache/journal.ts';
import type { Mark, Marks } from '../cache/marks.ts';
import { type Clock, every } from '../shared/clock.ts';
import { type Stamps, stampOf } from '../shared/stamps.ts';

/** How far ahead of the clock stamps are promised to stay below: after a crash they go on above that. */
const RESERVE_MS = 2 * 3_600_000;
/** Bytes of the file from which on it is rewritten when it has doubled. */
const LEAST_REWRITTEN = 1_000_000;

/** What keeping marks takes. */
export interface MarkLogOptions {
  readonly path: string;
  readonly marks: Marks;
  readonly stamps: Stamps;
  readonly clock: Clock;
}

/**
 * The marks on disk. They are read before anything is served; a log that cannot be proven whole may lack marks, so that nothing
 * that lies on the disk can be trusted.
 */
export class MarkLog {
  readonly #options: MarkLogOptions;
  readonly #journal: Journal;
  readonly #reserving: { cancel(): void };
  /** The file's length when it was last rewritten. */
  #rewritten = 0;

  private constructor(options: MarkLogOptions, journal: Journal) {
    this.#options = options;
    this.#journal = journal;
    this.#reserving = every(options.clock, RESERVE_MS / 2, () => void this.#reserve().catch(() => undefined));
  }

  /**
   * Reads the marks kept at `options.path` into `options.marks`. Where they may not be all, `distrust` is called, which empties the
   * disk, before the log is begun anew. Rejects if the log can be neither read nor written.
   */
  static async open(options: MarkLogOptions, distrust: () => Promise<void>): Promise<MarkLog> {
    const { journal, records, whole } = await Journal.open(options.path);
    let trusted = whole;
    for (const record of records) trusted = take(record, options) && trusted;
    if (!trusted) await distrust();
    const log = new MarkLog(options, journal);
    await log.#rewrite(RESERVE_MS);
    return log;
  }

  /** Resolves when these marks, which are among the others already, survive a crash. Rejects if they may not. */
  async keep(marks: readonly Mark[]): Promise<void> {
    try {
      await this.#journal.append(marks.map(toRecord));
    } catch {
      // What cannot be added to may yet be written anew.
      await this.#rewrite(RESERVE_MS);
    }
    if (this.#journal.length > Math.max(LEAST_REWRITTEN, 2 * this.#rewritten))
      await this.#rewrite(RESERVE_MS);
  }

  /** Writes what is left, and lets go of the file. */
  async close(): Promise<void> {
    this.#reserving.cancel();
    await this.#rewrite(0).catch(() => undefined);
    await this.#journal.close();
  }

  async #rewrite(aheadMs: number): Promise<void> {
    const { marks } = this.#options;
    await this.#journal.rewrite([...[...marks.all()].map(toRecord), this.#ceiling(aheadMs)]);
    this.#rewritten = this.#journal.length;
  }

  /** Stamps stay below a ceiling that is on disk, so that after a crash none is given twice, even if the clock is set back. */
  async #reserve(): Promise<void> {
    await this.#journal.append([this.#ceiling(RESERVE_MS)]);
  }

  #ceiling(aheadMs: number): { readonly ceiling: number } {
    const { stamps, clock } = this.#options;
    return { ceiling: Math.max(stamps.last, stampOf(clock.now())) + stampOf(aheadMs) };
  }
}

/** Takes in a record; false for one that is not understood. */
function take(record: unknown, { marks, stamps }: MarkLogOptions): boolean {
  if (typeof record !== 'object' || record === null) return false;
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
  return true;
}

const LISTS: ReadonlySet<string> = new Set(['keys', 'patterns', 'tags', 'types', 'namespaces', 'models']);

function isCondition(value: unknown): value is Condition {
  if (typeof value !== 'object' || value === null) return false;
  const lists = Object.entries(value);
  return lists.length > 0 && lists.every(([name, list]) => LISTS.has(name) && Array.isArray(list));
}

function toRecord({ condition, effect, stamp }: Mark): object {
  return { ...(condition && { condition }), effect, stamp };
}
