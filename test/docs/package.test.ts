import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, cp, readdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import manifest from '../../package.json' with { type: 'json' };
import { ROOT } from '../architecture/source.ts';
import { tempFolder } from '../support/folder.ts';

const run = promisify(execFile);

test('the package is compiled JavaScript that runs from where it lies, as a command, with its profiles', async () => {
  const folder = tempFolder();
  // As `npm run build` does, but elsewhere: nothing that another test reads is touched.
  await run(process.execPath, [
    join(ROOT, 'node_modules/typescript/bin/tsc'),
    ...['-p', join(ROOT, 'src/tsconfig.build.json'), '--outDir', join(folder, 'dist')],
  ]);
  await cp(join(ROOT, 'profiles'), join(folder, 'profiles'), { recursive: true });
  await copyFile(join(ROOT, 'package.json'), join(folder, 'package.json'));
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));

  const files = await readdir(join(folder, 'dist'), { recursive: true, withFileTypes: true });
  const others = files.filter((entry) => entry.isFile() && !entry.name.endsWith('.js'));
  assert.deepEqual(
    others.map(({ name }) => name),
    [],
  );
  const command = join(folder, manifest.bin.reprise);
  assert.match(await readFile(command, 'utf8'), /^#!\/usr\/bin\/env node\n/);

  const version = await run(process.execPath, [command, '--version']);
  assert.equal(version.stdout, `${manifest.version}\n`);
  const settings = await run(process.execPath, [command, 'config', '--profile', 'production']);
  assert.match(settings.stdout, /compression: gzip/);
});

test('every file and folder that the package lists is there, or made when it is packed', async () => {
  const { build, prepack } = manifest.scripts;
  assert.equal(prepack, 'npm run build');
  assert.match(build, /tsconfig\.build\.json/);
  const there = await readdir(ROOT);
  assert.deepEqual(
    manifest.files.filter((name) => name !== 'dist' && !there.includes(name)),
    [],
  );
});
