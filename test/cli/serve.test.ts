import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, stat } from 'node:fs/promises';
import { createServer as createSecureServer, request as startRequest } from 'node:https';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { folderWith } from '../config/support.ts';
import { until, within } from '../support/deadline.ts';
import { tempFolder } from '../support/folder.ts';
import { chat, open, send } from '../support/http.ts';
import { LOCALHOST } from '../support/upstream/certificate.ts';
import { listening } from '../support/upstream/listening.ts';
import { startUpstream } from '../support/upstream.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const CHAT = '/v1/chat/completions';

/** The command as a user runs it, in a process of its own. */
interface Running extends AsyncDisposable {
  readonly child: ChildProcess;
  /** Lines of standard output so far. */
  readonly out: string[];
  readonly err: string[];
  /** The exit status, or the signal that ended it. */
  readonly ended: Promise<number | string>;
}

function run(args: readonly string[], env: Record<string, string> = {}, cwd: string = tempFolder()): Running {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd,
  });
  const out: string[] = [];
  const err: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => out.push(line));
  createInterface({ input: child.stderr }).on('line', (line) => err.push(line));
  const ended = once(child, 'close').then(([status, signal]) => status ?? signal);
  return {
    child,
    out,
    err,
    ended,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

const aSecond = () => wait(1_000);

async function ready(running: Running): Promise<string> {
  await within(
    Promise.race([
      until(() => running.out.length > 0, 'the ready line', 20_000),
      running.ended.then((status) =>
        Promise.reject(new Error(`ended with ${status}: ${running.err.join('\n')}`)),
      ),
    ]),
    'the ready line',
    20_000,
  );
  const url = /^reprise ready on (https?:\/\/\S+) \(pid (\d+), profile (\w+), upstream \S+\)$/.exec(
    running.out[0] ?? '',
  );
  assert.ok(url, running.out[0] ?? 'no line');
  assert.equal(Number(url[2]), running.child.pid);
  return url[1] ?? '';
}

describe('reprise serve', () => {
  it('prints one line when it is ready, answers, stops on SIGTERM with status 0, and finds its entries again', async () => {
    await using upstream = await startUpstream();
    const data = tempFolder();
    const args = ['serve', '--upstream', upstream.url, '--port', '0', '--data', data];
    {
      await using running = run(args);
      const url = await ready(running);
      assert.equal((await send(url + CHAT, { body: chat('x') })).headers.get('x-cache'), 'MISS');
      running.child.kill('SIGTERM');
      assert.equal(await within(running.ended, 'the end', 10_000), 0);
      assert.equal(running.out.length, 1);
    }
    await using again = run(args);
    const url = await ready(again);
    assert.equal((await send(url + CHAT, { body: chat('x') })).headers.get('x-cache-level'), 'l2');
  });

  it('with --workers threads share the port and the cache, all stop on SIGTERM, and a port in use is refused', async () => {
    await using upstream = await startUpstream();
    const args = ['serve', '--upstream', upstream.url, '--workers', '2', '--data', tempFolder()];
    await using running = run([...args, '--port', '0'], { REPRISE_WORKERS: '7' });
    const url = await ready(running);
    const gate = upstream.holdChunks(1);
    const streams = await Promise.all(
      Array.from({ length: 12 }, (_, at) => open(url + CHAT, { body: chat(`${at}`, { stream: true }) })),
    );
    const second = run(['serve', '--upstream', upstream.url, '--workers', '2', '--port', new URL(url).port]);
    assert.equal(await within(second.ended, 'the end of the second', 10_000), 1);
    assert.match(second.err.join('\n'), /is in use by another process/);
    running.child.kill('SIGTERM');
    gate.release();
    for (const { chunks } of streams) {
      let text = '';
      for await (const chunk of chunks) text += chunk.toString();
      assert.match(text, /data: \[DONE\]\n\n$/);
    }
    assert.equal(await within(running.ended, 'the end', 10_000), 0);
    assert.equal(running.err.filter((line) => line.includes('"answered"')).length, 12);
    assert.equal(running.out.length, 1);
  });

  it('a stop lets running answers finish, streams too, and takes no new connection', async () => {
    await using upstream = await startUpstream();
    await using running = run(['serve', '--upstream', upstream.url, '--port', '0', '--data', tempFolder()]);
    const url = await ready(running);
    const gate = upstream.hold();
    gate.let(2);
    const stream = await within(open(url + CHAT, { body: chat('x', { stream: true }) }), 'the stream');
    running.child.kill('SIGTERM');
    await within(
      until(
        () =>
          send(`${url}/health/ready`).then(
            () => false,
            () => true,
          ),
        'no new connection',
      ),
      'no new connection',
    );
    gate.release();
    let text = '';
    for await (const chunk of stream.chunks) text += chunk.toString();
    assert.match(text, /data: \[DONE\]\n\n$/);
    assert.equal(await within(running.ended, 'the end', 10_000), 0);
  });

  it('a stop cuts off what is not done within server.drain', async () => {
    await using upstream = await startUpstream();
    await using running = run([
      'serve',
      '--upstream',
      upstream.url,
      '--port',
      '0',
      '--data',
      tempFolder(),
      '--set',
      'server.drain=300ms',
    ]);
    const url = await ready(running);
    const gate = upstream.hold();
    const asked = send(url + CHAT, { body: chat('x') });
    asked.catch(() => undefined);
    await within(gate.arrived(1), 'upstream');
    running.child.kill('SIGINT');
    assert.equal(await within(running.ended, 'the end', 10_000), 0);
    await assert.rejects(asked);
  });

  it('kill -9 loses nothing that was answered a second before', async () => {
    await using upstream = await startUpstream();
    const args = ['serve', '--upstream', upstream.url, '--port', '0', '--data', tempFolder()];
    const asked: string[] = [];
    for (let round = 0; round < 3; round += 1) {
      await using running = run(args);
      const url = await ready(running);
      for (const text of asked)
        assert.equal((await send(url + CHAT, { body: chat(text) })).headers.get('x-cache'), 'HIT', text);
      for (let at = 0; at < 20; at += 1) {
        const text = `round ${round}, question ${at}`;
        await send(url + CHAT, { body: chat(text) });
        asked.push(text);
      }
      await aSecond(); // what is promised is promised of what was answered a second before
      running.child.kill('SIGKILL');
      assert.equal(await running.ended, 'SIGKILL');
    }
  });

  it('a data folder in use by another process: a clear message, status 1', async () => {
    await using upstream = await startUpstream();
    const data = tempFolder();
    const args = ['serve', '--upstream', upstream.url, '--port', '0', '--data', data];
    await using first = run(args);
    await ready(first);
    const marks = join(data, 'marks.journal');
    const before = { ...(await stat(marks)), bytes: await readFile(marks) };
    await using second = run(args);
    assert.equal(await within(second.ended, 'the end', 20_000), 1);
    assert.deepEqual(second.out, []);
    // A log put in the place of the one that the first process writes to would lose its next invalidation.
    const { ino, mtimeMs } = await stat(marks);
    assert.deepEqual([ino, mtimeMs, await readFile(marks)], [before.ino, before.mtimeMs, before.bytes]);
    assert.match(
      second.err.join('\n'),
      /data folder \S+ is in use by another process\. Stop that one, or choose another folder with --data/,
    );
  });

  it('a port in use: a clear message, status 1', async () => {
    await using upstream = await startUpstream();
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const address = taken.address();
    assert.ok(address !== null && typeof address === 'object');
    await using running = run([
      'serve',
      '--upstream',
      upstream.url,
      '--port',
      String(address.port),
      '--data',
      tempFolder(),
    ]);
    assert.equal(await within(running.ended, 'the end', 20_000), 1);
    assert.match(
      running.err.join('\n'),
      /127\.0\.0\.1:\d+ is in use by another process\. Stop that one, or choose another port with --port/,
    );
    taken.close();
  });

  it('production does not start without an admin token, says so in one line, and starts with one', async () => {
    await using upstream = await startUpstream();
    const args = ['serve', '--profile', 'production', '--upstream', upstream.url, '--port', '0'];
    for (const [token, got] of [
      [undefined, 'nothing'],
      ['', 'nothing'],
      ['fifteen-letters', 'a text of 15 characters'],
      ['sixteen letters!', 'a text of 16 characters'],
    ] as const) {
      const env: Record<string, string> = token === undefined ? {} : { REPRISE_ADMIN_TOKEN: token };
      await using running = run([...args, '--data', tempFolder()], env);
      assert.equal(await within(running.ended, 'the end', 20_000), 2);
      assert.equal(running.err.length, 1, running.err.join('\n'));
      assert.ok(
        running.err.join().startsWith(`REPRISE_ADMIN_TOKEN: got ${got}, expected an admin token`),
        running.err.join(),
      );
      assert.ok(token === undefined || token === '' || !running.err[0]?.includes(token));
      assert.deepEqual(running.out, []);
    }
    await using running = run([...args, '--data', tempFolder()], { REPRISE_ADMIN_TOKEN: 'sixteen-letters!' });
    await ready(running);
  });

  it('a control plane with a port of its own stands in the ready line, and may not be that of the data', async () => {
    await using upstream = await startUpstream();
    const args = ['serve', '--upstream', upstream.url, '--data', tempFolder()];
    {
      await using running = run([...args, '--port', '0', '--set', 'admin.port=0']);
      await until(() => running.out.length > 0, 'the ready line', 20_000);
      const [, data, control] =
        /^reprise ready on (\S+) \(.*, upstream \S+, control plane (http:\S+)\)$/.exec(
          running.out[0] ?? '',
        ) ?? [];
      assert.ok(data !== undefined && control !== undefined && data !== control, running.out.join());
      assert.equal((await send(`${control}/health/live`)).status, 200);
      running.child.kill('SIGTERM');
      assert.equal(await within(running.ended, 'the end', 10_000), 0);
    }
    await using same = run([...args, '--port', '8799', '--set', 'admin.port=8799']);
    assert.equal(await within(same.ended, 'the end', 20_000), 2);
    assert.match(
      same.err.join('\n'),
      /^--set admin\.port: admin\.port: got "?8799"?, expected a port other than that of server\.port/,
    );
  });

  it('a port of the control plane that is in use: a clear message, status 1', async () => {
    await using upstream = await startUpstream();
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const address = taken.address();
    assert.ok(address !== null && typeof address === 'object');
    const flags = ['--port', '0', '--set', `admin.port=${address.port}`, '--data', tempFolder()];
    await using running = run(['serve', '--upstream', upstream.url, ...flags]);
    assert.equal(await within(running.ended, 'the end', 20_000), 1);
    assert.match(
      running.err.join('\n'),
      /127\.0\.0\.1:\d+ is in use .* choose another port with --set admin\.port=PORT/,
    );
    assert.deepEqual(running.out, []);
    taken.close();
  });

  it('an address that is not of this machine: a clear message, status 1', async () => {
    // RFC 5737: for documentation, and nobody's.
    await using running = run(['serve', '--host', '203.0.113.1', '--port', '0', '--data', tempFolder()]);
    assert.equal(await within(running.ended, 'the end', 20_000), 1);
    assert.match(
      running.err.join('\n'),
      /203\.0\.113\.1 is no address of this machine\. Choose one with --host/,
    );
  });

  it('speaks HTTPS with a certificate in the folder it is started in, and says so', async () => {
    await using upstream = await startUpstream();
    const folder = folderWith({ 'cert.pem': LOCALHOST.cert, 'key.pem': LOCALHOST.key });
    const tls = ['--set', 'server.tls.cert=cert.pem', '--set', 'server.tls.key=./key.pem'];
    await using running = run(['serve', '--upstream', upstream.url, '--port', '0', ...tls], {}, folder);
    const url = await ready(running);
    assert.match(url, /^https:/);
    const request = startRequest(`${url}/health/live`, { ca: LOCALHOST.cert }).end();
    const [answer] = await within(once(request, 'response'), 'the answer');
    assert.equal(answer.resume().statusCode, 200);
  });

  it('a certificate that cannot be read is a mistake like any other, told with them, status 2', async () => {
    const tls = ['--set', 'server.tls.cert=cert.pem', '--set', 'server.tls.key=key.pem'];
    await using running = run(['serve', '--port', 'abc', ...tls]);
    assert.equal(await within(running.ended, 'the end', 20_000), 2);
    assert.equal(running.err.length, 3, running.err.join('\n'));
    for (const part of [
      /^--port: /,
      /server\.tls\.cert: got "cert\.pem", .*ENOENT/,
      /server\.tls\.key: got "key\.pem"/,
    ])
      assert.ok(
        running.err.some((line) => part.test(line)),
        running.err.join('\n'),
      );
    assert.deepEqual(running.out, []);
  });

  it('an upstream with an authority of its own is trusted with NODE_EXTRA_CA_CERTS, and not without', async () => {
    const folder = folderWith({ 'ca.pem': LOCALHOST.cert });
    using upstream = await listening(
      createSecureServer({ ...LOCALHOST }, (_request, response) =>
        response.end('{"object":"list","data":[]}'),
      ),
    );
    const args = ['serve', '--upstream', `https://localhost:${upstream.port}/v1`, '--port', '0'];
    for (const [env, status, says] of [
      [{ NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem') }, 200, /"list"/],
      [{}, 502, /its certificate is self-signed/],
    ] as const) {
      await using running = run(args, env);
      const answer = await send(`${await ready(running)}/v1/models`);
      assert.equal(answer.status, status);
      assert.match(answer.body.toString(), says);
    }
  });

  it('every mistake at once, one line each, status 2, and nothing started', async () => {
    await using running = run(
      [
        'serve',
        '--port',
        'abc',
        '--set',
        'memory.max_entris=5',
        '--set',
        'types.products.ttl=soon',
        '--data',
        tempFolder(),
      ],
      {
        REPRISE_UPSTREAM: 'ftp://x',
      },
    );
    assert.equal(await within(running.ended, 'the end', 20_000), 2);
    assert.equal(running.err.length, 4, running.err.join('\n'));
    for (const [at, part] of [
      /--port/,
      /max_entries/,
      /types\.products\.ttl/,
      /REPRISE_UPSTREAM/,
    ].entries()) {
      assert.ok(
        running.err.some((line) => part.test(line)),
        `mistake ${at}: ${running.err.join('\n')}`,
      );
    }
    assert.deepEqual(running.out, []);
  });

  it('an unknown command, or flag, names the nearest one', async () => {
    await using command = run(['serv']);
    assert.equal(await within(command.ended, 'the end', 20_000), 2);
    assert.match(command.err[0] ?? '', /"serv" is no command of reprise; the nearest is serve/);
    await using flag = run(['serve', '--prot', '1']);
    assert.equal(await within(flag.ended, 'the end', 20_000), 2);
    assert.match(flag.err[0] ?? '', /--port/);
  });

  it('--help and --version say what they are asked, with status 0', async () => {
    for (const [args, says] of [
      [['--help'], /serve +run the proxy/],
      [['serve', '--help'], /--profile NAME or FILE/],
      [['--version'], /^\d+\.\d+\.\d+$/],
    ] as const) {
      await using running = run(args);
      assert.equal(await within(running.ended, 'the end', 20_000), 0);
      assert.match(running.out.join('\n'), says);
    }
  });
});
