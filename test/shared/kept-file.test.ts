import assert from 'node:assert/strict';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { readKept, writeKept } from '../../src/shared/kept-file.ts';
import { tempFolder } from '../support/folder.ts';

test('a kept file has what was written last and nothing else, for its owner alone', async () => {
  const folder = tempFolder();
  const path = join(folder, 'kept.json');
  assert.equal(await readKept(path), undefined);
  await writeKept(path, 'a long text');
  await writeKept(path, Buffer.from('short'));
  assert.equal(await readKept(path), 'short');
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(folder), ['kept.json']);
});

test('a file that cannot be read or written is an error, not an absent one', async () => {
  const folder = tempFolder();
  await assert.rejects(readKept(folder));
  await assert.rejects(writeKept(join(folder, 'nowhere', 'kept.json'), 'text'));
});
