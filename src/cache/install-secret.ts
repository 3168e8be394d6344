import { randomBytes } from 'node:crypto';
import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from './make-folder.ts';

const BYTES = 32;

/**
 * The secret of this installation, kept in `folder` so that what is on disk can be found again after a restart: read,
 * or made on first use (mode 0600). Rejects if the folder cannot be used.
 */
export async function installSecret(folder: string): Promise<Buffer> {
  const path = join(folder, 'install.secret');
  const kept = await readFile(path).catch(() => undefined);
  if (kept?.length === BYTES) return kept;
  const secret = randomBytes(BYTES);
  await keepInstallSecret(folder, secret);
  return secret;
}

/** Keeps another secret in its place. Rejects if the folder cannot be used. */
export async function keepInstallSecret(folder: string, secret: Buffer): Promise<void> {
  const path = join(folder, 'install.secret');
  await makeFolder(folder);
  // Written aside and renamed: a crash half-way leaves either no secret or a whole one.
  const draft = await open(`${path}.new`, 'w', 0o600);
  try {
    await draft.writeFile(secret);
    await draft.sync();
  } finally {
    await draft.close();
  }
  await rename(`${path}.new`, path);
}
