import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import manifest from '../../package.json' with { type: 'json' };

test('npm test ends with a line for each acceptance suite and each folder, and keeps the lines of the runner', async (t) => {
  const { status, out } = await npmTest(t, {
    'acceptance/one.test.ts': `import { suite, test } from 'node:test';
      test('a', () => {}); test('b', async (t) => { await t.test('inside b', () => {}); });
      suite('s', () => { test('c', () => {}); });`,
    'acceptance/two.test.ts': `import { test } from 'node:test'; test('d', () => {});`,
    'property/deep/three.test.ts': `import { test } from 'node:test'; test('e', () => {});`,
  });
  assert.equal(status, 0);
  assert.match(out, /^ℹ tests 6$[\s\S]*^ℹ pass 6$[\s\S]*^ℹ fail 0$/m);
  assert.match(
    out,
    /\n\nacceptance suites\n✔ one +4 passed, 0 failed \(\d+\.\d s\)\n✔ two +1 passed, 0 failed \(.*\)\n\nfolders of test\/\n✔ acceptance +5 passed, 0 failed \(.*\)\n✔ property +1 passed, 0 failed \(.*\)\n$/,
  );
});

test('npm test exits non-zero when a test fails, and says in which suite', async (t) => {
  const { status, out } = await npmTest(t, {
    'acceptance/one.test.ts': `import { test } from 'node:test';
      test('a', () => {}); test('b', () => { throw new Error('no'); }); test('c', { skip: true }, () => {});`,
    'acceptance/two.test.ts': 'this is no TypeScript',
  });
  assert.equal(status, 1);
  assert.match(out, /^ℹ fail 2$/m);
  assert.match(out, /^✖ one +1 passed, 1 failed, 1 skipped \(/m);
  assert.match(out, /^✖ two +0 passed, 1 failed \(0.0 s\)\n/m);
  assert.match(out, /^✖ acceptance +1 passed, 2 failed, 1 skipped \(.*\)\n$/m);
});

/** Runs the command of `npm test` on these files of `test/`, in a folder of their own. */
async function npmTest(
  t: { after(run: () => Promise<void>): void },
  files: Readonly<Record<string, string>>,
): Promise<{ readonly status: number; readonly out: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'reprise-summary-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  for (const [name, source] of Object.entries(files)) {
    const file = join(folder, 'test', name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, source);
  }
  const here = fileURLToPath(new URL('.', import.meta.url));
  const command = manifest.scripts.test.replace('./test/support/', here);
  const [program, ...args] = command.split(' ').map((word) => word.replaceAll('"', ''));
  assert.equal(program, 'node');
  // Node's runner sets this, and a runner that finds it set runs nothing.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawn(process.execPath, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = new Promise<number>((resolve) => child.on('close', (code) => resolve(code ?? -1)));
  return { out: await text(child.stdout), status: await ended };
}
