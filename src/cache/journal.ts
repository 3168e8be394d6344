import { constants } from 'node:fs';
import { type FileHandle, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isAbsent } from '../shared/errors.ts';
import { decodeJournal, encodeRecords, type Flaw, HEAD_LENGTH, headOf } from './journal-format.ts';
import { makeFolder } from './make-folder.ts';

/** A journal as it was found. */
export interface OpenedJournal {
  readonly journal: Journal;
  /** What is to be had of it, in order: of one that is not whole the records before the flaw. */
  readonly records: readonly unknown[];
  /** Whether it is proven that every record whose {@link Journal.append} has resolved is there. */
  readonly whole: boolean;
  /** Why it is not. */
  readonly flaw: Flaw | undefined;
}

/**
 * A file of records (any JSON values) that only grows, for what must survive a crash. One process at a time may have it open.
 *
 * What is appended at the same time shares one write and one fsync. After a failed write or fsync nobody knows what is
 * on disk, so that everything is refused until {@link rewrite} has succeeded.
 */
export class Journal {
  readonly #path: string;
  /** Undefined where only a {@link rewrite} can help. */
  #file: FileHandle | undefined;
  #length: number;
  /** What will be written together when its turn comes; undefined if nothing waits. */
  #batch: Append[] | undefined;
  /** The last of the writes, which follow each other. */
  #last: Promise<void> = Promise.resolve();
  #closed = false;

  private constructor(path: string, file: FileHandle | undefined, length: number) {
    this.#path = path;
    this.#file = file;
    this.#length = length;
  }

  /**
   * Opens the journal at `path`. One that is absent or not whole is left as it is, and takes nothing, until
   * {@link rewrite}: whoever lost records can first do what that calls for, and crash on the way. Rejects if it cannot be read.
   */
  static async open(path: string): Promise<OpenedJournal> {
    const found = await contentsOf(path);
    const { records, length, flaw } = found === undefined ? ABSENT : decodeJournal(found);
    if (flaw !== undefined) {
      return { journal: new Journal(path, undefined, 0), records, whole: false, flaw };
    }
    const file = await open(path, constants.O_RDWR);
    try {
      // What a crash left behind the last whole record was promised to nobody; what is read must be there tomorrow.
      await file.truncate(length);
      await commit(file, length);
    } catch (thrown) {
      await file.close();
      throw thrown;
    }
    return { journal: new Journal(path, file, length), records, whole: true, flaw };
  }

  /** Bytes of the file, with what has been written so far. */
  get length(): number {
    return this.#length;
  }

  /** Adds records. Resolves when they are on disk; rejects if that is not certain. Throws for what JSON has no text for. */
  append(records: readonly unknown[]): Promise<void> {
    const bytes = encodeRecords(records);
    if (this.#closed) return Promise.reject(new Error(`the journal ${this.#path} is closed`));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#openBatch().push({ bytes, resolve, reject });
    return promise;
  }

  /**
   * Puts `records` in the place of everything appended before this call. Resolves when the new file stands in the old one's
   * place for good; if it rejects, one of the two does.
   */
  async rewrite(records: readonly unknown[]): Promise<void> {
    const bytes = encodeRecords(records);
    if (this.#closed) throw new Error(`the journal ${this.#path} is closed`);
    // What is appended from now on belongs into the new file.
    this.#batch = undefined;
    await this.#inTurn(() => this.#replace(bytes));
  }

  /** Resolves when all that was appended is on disk or refused, and the file is closed. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#last;
    await this.#file?.close();
  }

  /** Runs `work` when everything before it has ended, well or not. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }

  #openBatch(): Append[] {
    if (this.#batch !== undefined) return this.#batch;
    const batch: Append[] = [];
    this.#batch = batch;
    void this.#inTurn(() => {
      if (this.#batch === batch) this.#batch = undefined;
      return this.#flush(batch);
    });
    return batch;
  }

  async #flush(batch: readonly Append[]): Promise<void> {
    try {
      await this.#write(Buffer.concat(batch.map(({ bytes }) => bytes)));
    } catch (thrown) {
      for (const { reject } of batch) reject(thrown);
      return;
    }
    for (const { resolve } of batch) resolve();
  }

  async #write(bytes: Buffer): Promise<void> {
    const file = this.#file;
    if (file === undefined) throw new Error(`the journal ${this.#path} has to be rewritten first`);
    const length = this.#length + bytes.length;
    try {
      await writeAt(file, bytes, this.#length);
      await commit(file, length);
    } catch (thrown) {
      await this.#abandon();
      throw thrown;
    }
    this.#length = length;
  }

  /** A new file, whole and on disk, before it takes the old one's name: a crash leaves either the one or the other. */
  async #replace(bytes: Buffer): Promise<void> {
    const folder = dirname(this.#path);
    await makeFolder(folder);
    const length = HEAD_LENGTH + bytes.length;
    const file = await open(`${this.#path}.new`, 'w+', 0o600);
    try {
      await writeAt(file, bytes, HEAD_LENGTH);
      await commit(file, length);
      await rename(`${this.#path}.new`, this.#path);
      await this.#abandon();
      await syncFolder(folder);
    } catch (thrown) {
      await file.close().catch(() => undefined);
      throw thrown;
    }
    this.#file = file;
    this.#length = length;
  }

  /** Lets go of the file, which is of no more use; that closing it may fail makes no difference then. */
  async #abandon(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close().catch(() => undefined);
  }
}

/** Records that wait to be written, and who waits for them. */
interface Append {
  readonly bytes: Buffer;
  readonly resolve: () => void;
  readonly reject: (thrown: unknown) => void;
}

const ABSENT = { records: [], length: 0, flaw: 'absent' } as const;

async function contentsOf(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (thrown) {
    if (isAbsent(thrown)) return undefined;
    throw thrown;
  }
}

/** Promises the first `length` bytes of the file. A power cut before the fsync may leave bytes promised that are not there: the safe way to be wrong. */
async function commit(file: FileHandle, length: number): Promise<void> {
  await writeAt(file, headOf(length), 0);
  await file.datasync();
}

async function writeAt(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

/** Makes a rename durable. Windows has no such thing, and needs none. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
