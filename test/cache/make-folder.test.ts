import assert from 'node:assert/strict';
import { stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeFolder } from '../../src/cache/make-folder.ts';
import { within } from '../support/deadline.ts';
import { tempFolder } from '../support/folder.ts';

test('a folder is made with all above it, for its owner alone, as often as it is asked for', async () => {
  const top = tempFolder();
  const folder = join(top, 'a', 'b', 'c');
  await Promise.all([makeFolder(folder), makeFolder(folder), makeFolder(join(top, 'a', 'd'))]);
  await makeFolder(folder);
  for (const made of [folder, join(top, 'a')]) assert.equal((await stat(made)).mode & 0o777, 0o700);
});

test('where none can be made, that is said, and not tried for ever', async () => {
  const top = tempFolder();
  await writeFile(join(top, 'file'), '');
  await symlink(join(top, 'nowhere'), join(top, 'link'));
  for (const folder of [
    '/proc/nope/l2',
    join(top, 'file'),
    join(top, 'file', 'a'),
    join(top, 'link', 'a', 'b'),
  ]) {
    await assert.rejects(
      within(makeFolder(folder), folder),
      (error: Error) => !/nothing after/.test(error.message),
    );
  }
});
