import { readFile, rename, writeFile } from 'node:fs/promises';
import { isAbsent } from './errors.ts';

/** The text of the file at `path`; undefined where there is none. Rejects if it cannot be read. */
export async function readKept(path: string): Promise<string | undefined> {
  return (await readKeptBytes(path))?.toString();
}

/** As {@link readKept}, for what is no text. */
export async function readKeptBytes(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (thrown) {
    if (isAbsent(thrown)) return undefined;
    throw thrown;
  }
}

/**
 * Makes this all that is in the file at `path`, for its owner alone (mode 0600): written aside and renamed, so that a crash leaves the
 * old file or the new one. Rejects if it cannot be written.
 */
export async function writeKept(path: string, content: string | Uint8Array): Promise<void> {
  await writeFile(`${path}.new`, content, { mode: 0o600, flush: true });
  await rename(`${path}.new`, path);
}
