import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from '../architecture/source.ts';
import { tempFolder } from '../support/folder.ts';

// A copy, whose commands nobody has run yet: `key` needs no package.
test('what a command has compiled is kept among the packages, and where it cannot be, the command runs all the same', () => {
  const { NODE_COMPILE_CACHE: _, ...env } = process.env;
  for (const mayKeep of [true, false]) {
    const folder = tempFolder();
    for (const name of ['src', 'package.json'])
      cpSync(join(ROOT, name), join(folder, name), { recursive: true });
    // A file where the folder would be: root may write everywhere else.
    if (!mayKeep) writeFileSync(join(folder, 'node_modules'), '');
    const { status, stdout } = spawnSync(process.execPath, ['src/main.ts', 'key', 'new'], {
      cwd: folder,
      env,
      encoding: 'utf8',
      timeout: 30_000,
    });
    assert.equal(status, 0);
    assert.match(stdout, /sha256/);
    const kept = join(folder, 'node_modules', '.cache', 'reprise');
    if (!mayKeep) assert.ok(!existsSync(kept));
    else assert.ok(readdirSync(kept, { recursive: true }).length > 2);
  }
});
