import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { installSecret } from '../../src/cache/install-secret.ts';
import { tempFolder } from '../support/folder.ts';

const NOBODY = 65_534;

describe('the secret of an installation', () => {
  it('is made once, for its owner alone, and found again', async () => {
    const folder = join(tempFolder(), 'data');
    const secret = await installSecret(folder);
    assert.equal(secret.length, 32);
    assert.deepEqual(await installSecret(folder), secret);
    assert.equal(statSync(join(folder, 'install.secret')).mode & 0o777, 0o600);
  });

  it('is made anew where it was cut short', async () => {
    const folder = tempFolder();
    writeFileSync(join(folder, 'install.secret'), 'short');
    assert.equal((await installSecret(folder)).length, 32);
  });

  it('is no other where it cannot be read, and stays as it is: what lies on the disk is under it', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'reprise-test-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const secret = await installSecret(folder);
    const path = join(folder, 'install.secret');
    chmodSync(folder, 0o777);
    chmodSync(path, 0o000);
    // Root may read everything.
    if (process.geteuid?.() === 0) {
      process.seteuid?.(NOBODY);
      t.after(() => process.seteuid?.(0));
    }
    await assert.rejects(installSecret(folder), /EACCES/);
    if (process.getuid?.() === 0) process.seteuid?.(0);
    chmodSync(path, 0o600);
    assert.deepEqual(readFileSync(path), secret);
  });
});
