import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isAbsent } from '../shared/errors.ts';

/*
 * To check all tables of a large database takes longer than all else of a start (10 s for 10 GB that are in the system's memory, and as
 * long as it takes to read them where they are not). LevelDB never changes a table that is written. So one that was in use without a
 * fault until its database was closed in order, and that nobody has touched since, need not be checked again. What a disk does to it
 * all by itself is then seen no sooner than it is read, and may end the process; the start that follows checks everything.
 */
const NOTE = 'vouched-tables';
const TABLE = /^\d+\.(?:ldb|sst)$/;

/** The names of all tables in a folder, sorted. */
export async function tablesIn(folder: string): Promise<readonly string[]> {
  return (await readdir(folder)).filter((name) => TABLE.test(name)).sort();
}

/** Leaves word that the tables which are in a folder now are sound. Where it cannot be written, they will be checked; never throws. */
export async function vouchForTables(folder: string): Promise<void> {
  try {
    const lines = await Promise.all((await tablesIn(folder)).map((name) => lineOf(folder, name)));
    await writeFile(join(folder, NOTE), `${lines.join('\n')}\n`, { mode: 0o600 });
  } catch {
    // Whole lines of it hold, if there are any.
    return;
  }
}

/**
 * The names of the tables in a folder that nobody has vouched for, sorted. What word was left holds for this once: who does not come to
 * close the database in order has left none.
 */
export async function unvouchedTables(folder: string): Promise<readonly string[]> {
  const names = await tablesIn(folder);
  const vouched = new Set(await takeNote(folder));
  const lines = await Promise.all(names.map((name) => lineOf(folder, name)));
  return names.filter((_name, at) => !vouched.has(lines[at] ?? ''));
}

async function takeNote(folder: string): Promise<readonly string[]> {
  try {
    const note = await readFile(join(folder, NOTE), 'utf8');
    await rm(join(folder, NOTE));
    // The last line ends too: one that was cut short is none.
    return note.split('\n').slice(0, -1);
  } catch (thrown) {
    if (isAbsent(thrown)) return [];
    throw thrown;
  }
}

/** By what a table is known to be the same, untouched: its name, place, size, and when it was written and last changed in any way. */
async function lineOf(folder: string, name: string): Promise<string> {
  try {
    const { ino, size, mtimeNs, ctimeNs } = await stat(join(folder, name), { bigint: true });
    return [name, ino, size, mtimeNs, ctimeNs].join(' ');
  } catch (thrown) {
    // A compaction has removed it meanwhile.
    if (isAbsent(thrown)) return '';
    throw thrown;
  }
}
