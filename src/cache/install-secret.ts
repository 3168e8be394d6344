import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { readKeptBytes, writeKept } from '../shared/kept-file.ts';
import { makeFolder } from './make-folder.ts';

const BYTES = 32;

/**
 * The secret of this installation, kept in `folder` so that what is on disk can be found again after a restart: read,
 * or made on first use (mode 0600). Rejects if the folder cannot be used, or one that is there cannot be read: with another in its
 * place nothing that is on disk would be found ever again.
 */
export async function installSecret(folder: string): Promise<Buffer> {
  const kept = await readKeptBytes(pathIn(folder));
  if (kept?.length === BYTES) return kept;
  const secret = randomBytes(BYTES);
  await keepInstallSecret(folder, secret);
  return secret;
}

/** Keeps another secret in its place. Rejects if the folder cannot be used. */
export async function keepInstallSecret(folder: string, secret: Buffer): Promise<void> {
  await makeFolder(folder);
  await writeKept(pathIn(folder), secret);
}

function pathIn(folder: string): string {
  return join(folder, 'install.secret');
}
