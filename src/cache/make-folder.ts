import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a folder, and those above it that are missing, for its owner alone (mode 0700). Rejects where that cannot be done.
 * Node's own recursive `mkdir` tries for ever where a folder that is there takes no new one and says it is not: in `/proc`.
 */
export async function makeFolder(folder: string): Promise<void> {
  if (await isMade(folder)) return;
  const above = dirname(folder);
  if (above !== folder) await makeFolder(above);
  if (!(await isMade(folder))) throw new Error(`the folder ${folder} cannot be made in ${above}`);
}

/** Makes one folder unless it is there; false where there is nothing to make it in. */
async function isMade(folder: string): Promise<boolean> {
  try {
    await mkdir(folder, { mode: 0o700 });
    return true;
  } catch (thrown) {
    const code = thrown instanceof Error ? Reflect.get(thrown, 'code') : undefined;
    if (code === 'ENOENT') return false;
    if (code === 'EEXIST' && (await stat(folder)).isDirectory()) return true;
    throw thrown;
  }
}
