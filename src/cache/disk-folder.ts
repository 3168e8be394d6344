import { readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { messageOf } from '../shared/errors.ts';
import { type Engine, type EngineMaker, type EngineTuning, isLocked, isOutage } from './leveldb.ts';
import { makeFolder } from './make-folder.ts';

/** The data folder belongs to another process: the one thing about a disk that must stop a start. */
export class FolderLocked extends Error {
  constructor(folder: string, cause: unknown) {
    super(`the cache folder ${folder} is in use by another process`, { cause });
    this.name = 'FolderLocked';
  }
}

/** How a folder's contents are met: as they are, as in need of repair, or not at all. */
export type Trust = 'full' | 'repair' | 'none';

/** What {@link openFolder} needs. */
export interface FolderOptions {
  readonly folder: string;
  readonly maker: EngineMaker;
  readonly tuning: EngineTuning;
  /** Milliseconds since the epoch, for the names of quarantined folders. */
  readonly now: number;
  /** Told what an operator should know of. */
  readonly notify: (message: string) => void;
}

const FORMAT_KEY = Buffer.from('f');
const FORMAT = Buffer.from('reprise 2');
const QUARANTINES_KEPT = 2;
/** The files without which a database is an empty one. */
const CONTENTS = /^(?:MANIFEST-\d+|\d+\.(?:ldb|sst|log))$/;

/**
 * Opens the database in a folder, step by step: as it is; repaired; with the folder set aside, empty. Throws
 * {@link FolderLocked}, or anything else if the folder cannot be used at all, or not now.
 */
export async function openFolder(options: FolderOptions, trust: Trust): Promise<Engine> {
  const { folder, notify } = options;
  await makeFolder(folder);
  const used = (await readdir(folder)).some((name) => CONTENTS.test(name));
  try {
    // Where CURRENT is lost, LevelDB would make a new database and delete all tables of the old one: never here.
    const engine = await open(options, !used);
    if (trust === 'full' || !used) return await check(options, engine, used);
    // Neither repairing nor moving a folder takes its lock: opening it has shown that nobody else has it.
    await engine.close();
  } catch (thrown) {
    if (!used || thrown instanceof FolderLocked || isOutage(thrown)) throw thrown;
    notify(`the cache folder ${folder} does not open (${messageOf(thrown)}): repairing it`);
  }
  if (trust === 'none') return startEmpty(options, 'its contents are not to be trusted');
  try {
    await options.maker.repair(folder);
    await rm(join(folder, 'lost'), { recursive: true, force: true });
    return await check(options, await open(options, false), true);
  } catch (thrown) {
    if (thrown instanceof FolderLocked || isOutage(thrown)) throw thrown;
    return startEmpty(options, messageOf(thrown));
  }
}

async function open({ folder, maker, tuning }: FolderOptions, createIfMissing: boolean): Promise<Engine> {
  try {
    return await maker.open(folder, { ...tuning, createIfMissing });
  } catch (thrown) {
    if (isLocked(thrown)) throw new FolderLocked(folder, thrown);
    throw new Error(causeOf(thrown), { cause: thrown });
  }
}

/** Refuses what another version wrote. `used` says that files of a database were there before. */
async function check({ folder, notify }: FolderOptions, engine: Engine, used: boolean): Promise<Engine> {
  try {
    const format = engine.getSync(FORMAT_KEY);
    if (format !== undefined && !format.equals(FORMAT))
      throw new Error(`unknown format ${format.toString('latin1')}`);
    if (format !== undefined) return engine;
    // Every database of ours holds it, so one without it has lost more: LevelDB itself opens without a word.
    if (used) notify(`the cache folder ${folder} has lost some or all of its contents`);
    await engine.write([{ key: FORMAT_KEY, value: FORMAT }]);
    return engine;
  } catch (thrown) {
    await engine.close();
    throw thrown;
  }
}

/** Sets the folder aside and opens a new one; if that cannot be opened either, the old one was not to blame and stays. */
async function startEmpty(options: FolderOptions, reason: string): Promise<Engine> {
  const { folder, now, notify } = options;
  const aside = `${folder}.quarantine-${new Date(now).toISOString().replaceAll(/[:.]/g, '-')}`;
  await rename(folder, aside);
  try {
    await dropOldQuarantines(folder);
    await makeFolder(folder);
    const engine = await check(options, await open(options, true), false);
    notify(`the cache folder ${folder} was unusable (${reason}): moved to ${aside}, starting empty`);
    return engine;
  } catch (thrown) {
    await rm(folder, { recursive: true, force: true });
    await rename(aside, folder);
    throw thrown;
  }
}

async function dropOldQuarantines(folder: string): Promise<void> {
  const prefix = `${basename(folder)}.quarantine-`;
  const names = (await readdir(dirname(folder))).filter((name) => name.startsWith(prefix)).sort();
  for (const name of names.slice(0, -QUARANTINES_KEPT)) {
    await rm(join(dirname(folder), name), { recursive: true, force: true });
  }
}

/** LevelDB says only in the cause what kept a database from opening. */
function causeOf(thrown: unknown): string {
  return messageOf(thrown instanceof Error && thrown.cause !== undefined ? thrown.cause : thrown);
}
