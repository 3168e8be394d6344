import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { stats } from '../../src/cli/stats.ts';
import { recordedIo } from '../support/command-io.ts';
import { chat } from '../support/http.ts';
import { setStage } from '../support/stage.ts';

/** Runs the command; what it wrote, and its exit status. */
async function run(argv: readonly string[]) {
  const { io, written } = recordedIo();
  return { status: await stats(argv, {}, io), ...written };
}

test('it shows how a running server does', async () => {
  await using stage = await setStage();
  for (const text of ['a', 'a', 'a', 'b']) await stage.ask('/v1/chat/completions', { body: chat(text) });
  const { status, out, err } = await run(['--url', stage.reprise.url]);
  assert.deepEqual([status, err], [0, '']);
  assert.match(out, /^ok, profile unnamed, up \d+ s, score –\n/);
  assert.match(out, /^all +4 +50\.0 % +2 +2 +0 +0 +0 +0$/m);
  assert.match(out, /^llm_responses +4 +50\.0 % +2 +2 +0 +0 +0 +0 +2$/m);
  assert.match(out, /^l1 +2 +0\.4 %/m);
  assert.match(out, /^saved: 2 calls, \d+ \+ \d+ tokens, \$0\.\d{4}, \d+ s of waiting$/m);
});

test('as JSON it gives what the server answered', async () => {
  await using stage = await setStage();
  const { status, out } = await run(['--json', '--url', stage.reprise.url]);
  assert.equal(status, 0);
  const { cache, levels, efficiency } = JSON.parse(out);
  assert.deepEqual([cache.requests.total, levels.levels.length, efficiency.score], [0, 2, null]);
});

test('what is no control plane is told so, and is not shown the token for nothing', async () => {
  await using stage = await setStage();
  const { status, err } = await run(['--url', `${stage.reprise.url}/v1/`]);
  assert.equal(status, 2);
  assert.match(err, /--url: got ".*\/v1\/", expected the server's own URL, without \/v1/);
  const asked: string[] = [];
  const other = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.end('{"hello":"world"}');
  });
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  const wrong = await run(['--url', `http://127.0.0.1:${port}`]);
  other.closeAllConnections();
  other.close();
  assert.deepEqual([wrong.status, wrong.out, asked], [1, '', ['/monitoring/cache']]);
  assert.match(wrong.err, /is no control plane of Reprise/);
});

test('mistakes in the flags are 2, a server that is not there is 1', async () => {
  assert.equal((await run(['--jsn'])).status, 2);
  const { status, err } = await run(['--url', 'http://127.0.0.1:1']);
  assert.equal(status, 1);
  assert.match(err, /No server answers/);
});
