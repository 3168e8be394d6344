import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, cp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import manifest from '../../package.json' with { type: 'json' };
import { readPageFiles } from '../../src/control/page-files.ts';
import { ROOT } from '../architecture/source.ts';
import { tempFolder } from '../support/folder.ts';

const run = promisify(execFile);

test('the package is compiled JavaScript that runs from where it lies, as a command, with its profiles and the dashboard', async () => {
  const folder = tempFolder();
  // Elsewhere, so that nothing that another test reads is touched.
  await cp(join(ROOT, 'src'), join(folder, 'src'), { recursive: true });
  await cp(join(ROOT, 'profiles'), join(folder, 'profiles'), { recursive: true });
  for (const name of ['package.json', 'tsconfig.json']) await copyFile(join(ROOT, name), join(folder, name));
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const path = [join(ROOT, 'node_modules/.bin'), process.env.PATH].join(delimiter);
  await run('sh', ['-c', manifest.scripts.build], { cwd: folder, env: { ...process.env, PATH: path } });
  await rm(join(folder, 'src'), { recursive: true });

  const files = await readdir(join(folder, 'dist'), { recursive: true, withFileTypes: true });
  const others = files.filter((entry) => entry.isFile() && !/\.(?:js|html|css|svg)$/.test(entry.name));
  assert.deepEqual(
    others.map(({ name }) => name),
    [],
  );
  const compiled = await import(join(folder, 'dist/control/page-files.js'));
  assert.deepEqual(compiled.readPageFiles(), readPageFiles());

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
