import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { until, within } from '../support/deadline.ts';
import { tempFolder } from '../support/folder.ts';
import { send } from '../support/http.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

test('a SIGTERM to npm start stops the proxy, which npm does not pass it on to', async () => {
  const npm = spawn('npm', ['start', '--', '--port', '0', '--data', tempFolder()], {
    cwd: PROJECT,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const exited = once(npm, 'exit');
  let pid: number | undefined;
  try {
    const proxy = await within(ready(createInterface({ input: npm.stdout })), 'the ready line', 20_000);
    pid = proxy.pid;
    npm.kill('SIGTERM');
    await within(exited, 'the end of npm', 10_000);
    await until(() => !isThere(proxy.pid), 'the end of the proxy', 10_000);
    await assert.rejects(send(`${proxy.url}/health/live`), /ECONNREFUSED/);
  } finally {
    if (pid !== undefined && isThere(pid)) process.kill(pid, 'SIGKILL');
  }
});

async function ready(lines: AsyncIterable<string>): Promise<{ url: string; pid: number }> {
  for await (const line of lines) {
    const [, url, pid] = /^reprise ready on (\S+) \(pid (\d+),/.exec(line) ?? [];
    if (url !== undefined) return { url, pid: Number(pid) };
  }
  throw new Error('no ready line');
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (thrown) {
    assert.ok(thrown instanceof Error && 'code' in thrown && thrown.code === 'ESRCH', String(thrown));
    return false;
  }
}
