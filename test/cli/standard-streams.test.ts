import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { within } from '../support/deadline.ts';
import { tempFolder } from '../support/folder.ts';
import { chat, send } from '../support/http.ts';
import { startUpstream } from '../support/upstream.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const CHAT = '/v1/chat/completions';

type Child = ChildProcessByStdio<null, Readable, Readable>;

/** The command in a process of its own, of whose output nothing is read yet. */
function start(args: readonly string[]): Child {
  return spawn(process.execPath, [MAIN, ...args], {
    env: { PATH: process.env.PATH ?? '' },
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: tempFolder(),
  });
}

async function serving(upstream: string): Promise<{ child: Child; url: string }> {
  const child = start(['serve', '--upstream', upstream, '--port', '0', '--data', tempFolder()]);
  const [line] = await within(once(child.stdout, 'data'), 'the ready line', 20_000);
  return { child, url: /ready on (\S+)/.exec(String(line))?.[1] ?? '' };
}

async function stopped(child: Child): Promise<number | string> {
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  try {
    const [status, signal] = await within(exited, 'the exit', 10_000);
    return status ?? signal;
  } finally {
    child.kill('SIGKILL');
  }
}

describe('reprise', () => {
  it('serves on when nobody reads its log any more, and stops with status 0', async () => {
    await using upstream = await startUpstream();
    const { child, url } = await serving(upstream.url);
    child.stdout.destroy();
    child.stderr.destroy();
    for (const question of ['a', 'b', 'a']) {
      const { status } = await send(url + CHAT, { body: chat(question) });
      assert.equal(status, 200);
    }
    assert.equal(await stopped(child), 0);
  });

  it('is not held up at a stop by a log that lies unread', async () => {
    await using upstream = await startUpstream();
    const { child, url } = await serving(upstream.url);
    // Each has a line of its own; together they are more than the pipe and both of its ends hold.
    const headers = { 'x-cache-namespace': 'n'.repeat(120) };
    for (let at = 0; at < 1_000; at += 1) await send(url + CHAT, { body: chat('x'), headers });
    assert.equal(await stopped(child), 0);
  });

  it('prints into a pipe that is closed early without a word of it', async () => {
    const child = start(['config', '--schema']);
    child.stdout.destroy();
    let err = '';
    child.stderr.on('data', (text: Buffer) => {
      err += text;
    });
    const [status] = await within(once(child, 'close'), 'the end', 20_000);
    assert.deepEqual({ status, err }, { status: 0, err: '' });
  });
});
