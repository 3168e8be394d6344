import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connectRedis, type RedisConnection } from '../../src/cache/redis-client.ts';
import { parseRedisUrl } from '../../src/shared/redis-address.ts';
import { until, within } from './deadline.ts';
import { tempFolder } from './folder.ts';
import { freePort } from './free-port.ts';

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
  /** Starts it again at the same port, with no more than it was told to save. */
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
      const say = async () => {
        connection ??= await connect(url, () => {
          connection = undefined;
        });
        return await within(connection.send(String(command[1] ?? ''), command), 'an answer of Redis');
      };
      // Whoever becomes a master or a replica hangs up on everybody.
      return await say().catch(say);
    },
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    kill,
    restart: start,
    [Symbol.asyncDispose]: kill,
  };
}

/** A cluster of three, or a master with a replica and three sentinels. Dispose of it to end all of it. */
export interface ManyRedis extends AsyncDisposable {
  readonly url: string;
  readonly nodes: readonly TestRedis[];
}

/** Starts a cluster of three masters, each with a third of the slots. */
export async function startRedisCluster(): Promise<ManyRedis> {
  const nodes: TestRedis[] = [];
  for (let at = 0; at < 3; at += 1) nodes.push(await startRedis('--cluster-enabled', 'yes'));
  const [first] = nodes;
  const third = Math.ceil(16_384 / 3);
  for (const [at, node] of nodes.entries()) {
    const last = Math.min(16_383, (at + 1) * third - 1);
    await node.ask('CLUSTER', 'ADDSLOTSRANGE', String(at * third), String(last));
    await first?.ask('CLUSTER', 'MEET', '127.0.0.1', String(node.port));
  }
  for (const node of nodes) {
    await until(
      async () => String(await node.ask('CLUSTER', 'INFO')).includes('cluster_state:ok'),
      'a cluster',
      20_000,
    );
  }
  const url = `redis+cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`;
  return {
    url,
    nodes,
    async [Symbol.asyncDispose]() {
      for (const node of nodes) await node[Symbol.asyncDispose]();
    },
  };
}

/** Starts a master, which is the first node, a replica of it, and three sentinels that watch them. */
export async function startSentinels(): Promise<ManyRedis> {
  const master = await startRedis();
  const replica = await startRedis('--replicaof', '127.0.0.1', String(master.port));
  await until(
    async () => String(await replica.ask('INFO', 'replication')).includes('master_link_status:up'),
    'a replica',
    20_000,
  );
  const sentinels: { readonly child: ChildProcess; readonly port: number }[] = [];
  for (let at = 0; at < 3; at += 1) {
    const port = await freePort();
    const file = join(tempFolder(), 'sentinel.conf');
    const lines = [
      `port ${port}`,
      'bind 127.0.0.1',
      `sentinel monitor main 127.0.0.1 ${master.port} 2`,
      'sentinel down-after-milliseconds main 500',
      'sentinel failover-timeout main 2000',
    ];
    await writeFile(file, lines.join('\n'));
    const child = spawn(FOUND ?? '', [file, '--sentinel'], { stdio: 'ignore' });
    await until(() => answers(`redis://127.0.0.1:${port}`), 'a sentinel', 20_000);
    sentinels.push({ child, port });
  }
  return {
    url: `redis+sentinel://${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}/main`,
    nodes: [master, replica],
    async [Symbol.asyncDispose]() {
      for (const { child } of sentinels) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
      await master[Symbol.asyncDispose]();
      await replica[Symbol.asyncDispose]();
    },
  };
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

async function connect(url: string, onLost: () => void = () => undefined): Promise<RedisConnection> {
  const address = parseRedisUrl(url);
  if (address === undefined) throw new Error(`${url} is no Redis`);
  return await connectRedis({
    address,
    connectMs: 1_000,
    name: 'test',
    onLost,
    signal: new AbortController().signal,
  });
}
