import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = mkdtempSync(join(tmpdir(), 'reprise-test-'));
process.once('exit', () => rmSync(root, { recursive: true, force: true, maxRetries: 3 }));

/** A new empty folder. It goes with the process, after everything that still writes to it has been closed. */
export function tempFolder(): string {
  return mkdtempSync(join(root, 'folder-'));
}
