import { readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { isAbsent } from '../shared/errors.ts';

const DIARIES = /^(?:LOG|MANIFEST-\d+)$/;

/** What a folder takes and has. */
export interface FolderSize {
  /** Bytes of its files. */
  readonly used: number;
  /** Bytes of those of them that only grow while the database is open: what LevelDB notes of every compaction. */
  readonly diaries: number;
  /** Bytes free on its disk. */
  readonly free: number;
  /** Identifies the folder itself, so that another one put in its place is noticed. */
  readonly inode: number;
}

/** Measures a folder. Rejects if it, or the database in it, is gone. */
export async function measureFolder(folder: string): Promise<FolderSize> {
  const { ino } = await stat(folder);
  await stat(join(folder, 'CURRENT'));
  const names = await readdir(folder);
  const sizes = await Promise.all(names.map((name) => sizeOf(join(folder, name))));
  const total = (wanted: (name: string) => boolean) =>
    sizes.reduce((sum, size, at) => (wanted(names[at] ?? '') ? sum + size : sum), 0);
  return {
    used: total(() => true),
    diaries: total((name) => DIARIES.test(name)),
    free: await freeBytes(folder),
    inode: ino,
  };
}

/** Bytes that are free on the disk of a folder. Rejects if it is not there. */
export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/**
 * Rejects where a database's log has no room to become a table, which LevelDB makes of it as it opens: without that, opening would do
 * more harm.
 */
export async function assertRoom(folder: string): Promise<void> {
  const logs = (await readdir(folder)).filter((name) => name.endsWith('.log'));
  const sizes = await Promise.all(logs.map((name) => sizeOf(join(folder, name))));
  const needed = sizes.reduce((sum, size) => sum + size, 2_000_000);
  const free = await freeBytes(folder);
  if (free < needed) throw new Error(`no space left: only ${free} bytes are free on the disk of ${folder}`);
}

/** Files come and go while a folder is measured: one that has gone takes nothing. */
async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (thrown) {
    if (isAbsent(thrown)) return 0;
    throw thrown;
  }
}
