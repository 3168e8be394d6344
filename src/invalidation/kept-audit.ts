import { appendFile } from 'node:fs/promises';
import type { Background } from '../shared/background.ts';
import { readKept, writeKept } from '../shared/kept-file.ts';
import { valueFrom } from '../shared/plain.ts';
import type { AuditLog, AuditRecord } from './audit-log.ts';

/** The most records that are kept. */
const MOST = 1_000;

/**
 * The latest invalidations, in memory and in a file of one JSON object a line, which people can read as it is. It decides
 * nothing: a line that a crash has torn is passed over, and what cannot be written is still told until a restart.
 */
export class KeptAudit implements AuditLog {
  /** Oldest first. */
  readonly #records: AuditRecord[];
  /** Those of them that the file lacks. */
  readonly #unwritten: AuditRecord[] = [];
  readonly #path: string | undefined;
  readonly #background: Background;
  /** Lines of the file. */
  #lines: number;
  /** Whether the file's last line may lack its end. */
  #torn: boolean;
  #writing = false;

  private constructor(path: string | undefined, background: Background, text: string) {
    const lines = text.split('\n').filter((line) => line !== '');
    this.#path = path;
    this.#background = background;
    this.#lines = lines.length;
    this.#torn = text !== '' && !text.endsWith('\n');
    this.#records = lines.slice(-MOST).flatMap(read);
  }

  /**
   * Opens the log kept in the file at `path`, whose folder is there; without a path it lives in memory only. Rejects if there
   * is a file that cannot be read.
   */
  static async open(path: string | undefined, background: Background): Promise<KeptAudit> {
    const text = path === undefined ? undefined : await readKept(path);
    return new KeptAudit(path, background, text ?? '');
  }

  latest(limit: number): readonly AuditRecord[] {
    return this.#records.slice(-limit).reverse();
  }

  record(record: AuditRecord): void {
    this.#records.push(record);
    if (this.#records.length > MOST) this.#records.shift();
    if (this.#path === undefined) return;
    this.#unwritten.push(record);
    if (!this.#writing) this.#background.run('writing the log of invalidations', this.#write(this.#path));
  }

  async #write(path: string): Promise<void> {
    this.#writing = true;
    try {
      while (this.#unwritten.length > 0) {
        const batch = this.#unwritten.splice(0);
        if (this.#lines + batch.length <= 2 * MOST) await this.#append(path, batch);
        else await this.#rewrite(path, [...this.#records]);
      }
    } finally {
      this.#writing = false;
    }
  }

  async #append(path: string, records: readonly AuditRecord[]): Promise<void> {
    const start = this.#torn ? '\n' : '';
    this.#torn = true;
    await appendFile(path, start + linesOf(records), { mode: 0o600 });
    this.#torn = false;
    this.#lines += records.length;
  }

  async #rewrite(path: string, records: readonly AuditRecord[]): Promise<void> {
    await writeKept(path, linesOf(records));
    this.#torn = false;
    this.#lines = records.length;
  }
}

function linesOf(records: readonly AuditRecord[]): string {
  return records.map((record) => `${JSON.stringify(record)}\n`).join('');
}

/** The record of a line; none where it cannot be read. */
function read(line: string): AuditRecord[] {
  const value = valueFrom(line);
  return isAuditRecord(value) ? [value] : [];
}

function isAuditRecord(value: unknown): value is AuditRecord {
  return (
    typeof value === 'object' && value !== null && 'id' in value && 'at' in value && 'condition' in value
  );
}
