import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { connectRedis, type RedisConnection } from '../../src/cache/redis-client.ts';
import { parseRedisUrl } from '../../src/shared/redis-address.ts';
import { until, within } from './deadline.ts';
import { tempFolder } from './folder.ts';

/** Where Debian's packages put it. */
const PLACES = ['/usr/bin/redis-server', '/usr/bin/valkey-server', '/usr/local/bin/redis-server'];
const FOUND = PLACES.find((place) => existsSync(place));

/**
 * Why a test with a Redis cannot run here; false where it can. Where every test has to run it is never a reason, and the test
 * fails.
 */
export const noRedis: string | false =
  FOUND === undefined && process.env.CI !== 'true'
    ? `there is no Redis at ${PLACES.join(', ')}: on Debian, apt-get install redis-server`
    : false;

/** A Redis under test, on a port of its own. */
export interface TestRedis extends AsyncDisposable {
  /** `redis://127.0.0.1:PORT`. */
  readonly url: string;
  readonly port: number;
  /** Sends it a command, beside the proxies; texts of the reply are bytes. */
  ask(...command: (string | Buffer)[]): Promise<unknown>;
  /** Stops and continues it: its connections stay, and it answers nothing. */
  freeze(): void;
  thaw(): void;
  /** Ends it at once. */
  kill(): Promise<void>;
  /** Starts it again at the same port, empty. */
  restart(): Promise<void>;
}

/** Starts one with these options of its command line. Dispose of it to end it. */
export async function startRedis(...options: string[]): Promise<TestRedis> {
  if (FOUND === undefined) throw new Error(`there is no Redis at ${PLACES.join(', ')}`);
  const port = await freePort();
  const folder = tempFolder();
  const url = `redis://127.0.0.1:${port}`;
  let child: ChildProcess;
  let connection: RedisConnection | undefined;
  const start = async () => {
    const own = [
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--dir',
      folder,
      '--save',
      '',
      '--appendonly',
      'no',
    ];
    child = spawn(FOUND, [...own, ...options], { stdio: ['ignore', 'ignore', 'inherit'] });
    await until(() => answers(url), `a Redis at ${port}`, 20_000);
  };
  const kill = async () => {
    connection?.destroy();
    connection = undefined;
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await within(once(child, 'exit'), 'the end of Redis');
  };
  await start();
  return {
    url,
    port,
    async ask(...command) {
      connection ??= await connect(url);
      return await within(connection.send(String(command[1] ?? ''), command), 'an answer of Redis');
    },
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    kill,
    restart: start,
    [Symbol.asyncDispose]: kill,
  };
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port was free');
  return address.port;
}

/** Where a cluster of so many nodes keeps what it must. */
export function folderFor(name: string): string {
  return join(tempFolder(), name);
}

async function answers(url: string): Promise<boolean> {
  try {
    const connection = await connect(url);
    connection.destroy();
    return true;
  } catch {
    return false;
  }
}

async function connect(url: string): Promise<RedisConnection> {
  const address = parseRedisUrl(url);
  if (address === undefined) throw new Error(`${url} is no Redis`);
  return await connectRedis({ address, connectMs: 1_000, name: 'test', onLost: () => undefined });
}
