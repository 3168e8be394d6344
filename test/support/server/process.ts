import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { within } from '../deadline.ts';

/** What the proxy's process holds at one moment, with nobody using it. */
export interface Sample {
  /** Bytes. */
  readonly rss: number;
  /** Bytes, garbage collected. */
  readonly heap: number;
  /** Bytes of buffers and the like, garbage collected. */
  readonly external: number;
  readonly descriptors: number;
  /** Of the descriptors. */
  readonly sockets: number;
}

/** The sections of a profile, by name. */
export type ProfileSections = Readonly<Record<string, object | string>> & {
  readonly server?: object;
  readonly disk?: object;
  readonly log?: object;
};

/** A proxy in a process of its own, started as users start it. */
export interface ServerProcess {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly pid: number;
  sample(): Promise<Sample>;
  sockets(): number;
  /** Everything on standard error so far. */
  log(): string;
  /** Stops it as an operator would; its exit status. */
  stop(): Promise<number | null>;
  /** Ends it at once, as `kill -9` does. */
  kill(): Promise<void>;
}

/**
 * Starts one with this profile, on a free port, and its data in `folder`; its environment is that of the test if none is given. Rejects if it does not become ready. Its memory
 * and descriptors are read from Linux's `/proc`.
 */
export async function startServer(
  profile: ProfileSections,
  folder: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<ServerProcess> {
  const file = join(folder, 'profile.yaml');
  // JSON is YAML.
  const settings = {
    ...profile,
    server: { ...profile.server, port: 0 },
    disk: { ...profile.disk, path: join(folder, 'data') },
    log: { ...profile.log, format: 'json' },
  };
  await writeFile(file, JSON.stringify(settings));
  const child = spawn(
    process.execPath,
    ['--expose-gc', '--import', at('./probe.ts'), at('../../../src/main.ts'), 'serve', '--profile', file],
    { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] },
  );
  endWithThis(child);
  let log = '';
  child.stderr?.on('data', (text: Buffer) => {
    log += text;
  });
  const exited = once(child, 'exit');
  const url = await within(Promise.race([ready(child), exited.then(() => undefined)]), 'the proxy', 20_000);
  if (url === undefined) throw new Error(`the proxy did not start:\n${log}`);
  const { pid = 0 } = child;
  const descriptors = () => readdirSync(`/proc/${pid}/fd`);
  const sockets = () => descriptors().filter((fd) => isSocket(`/proc/${pid}/fd/${fd}`)).length;
  return {
    url,
    pid,
    sockets,
    log: () => log,
    async sample() {
      const answered = once(child, 'message');
      child.send('sample');
      const [memory] = await within(answered, 'the probe', 60_000);
      const { heapUsed, external } = memory as { heapUsed: number; external: number };
      const rss = Number(/VmRSS:\s*(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
      return { rss, heap: heapUsed, external, descriptors: descriptors().length, sockets: sockets() };
    },
    async stop() {
      child.kill('SIGTERM');
      const [status] = await within(exited, 'the exit', 30_000);
      return status;
    },
    async kill() {
      child.kill('SIGKILL');
      await within(exited, 'the exit', 30_000);
    },
  };
}

/** Those that run: this process does not wait for the children of tests that failed before they ended them, and takes them along. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

function endWithThis(child: ChildProcess): void {
  running.add(child);
  child.once('exit', () => running.delete(child));
  child.unref();
  child.channel?.unref();
  for (const stream of [child.stdout, child.stderr]) if (stream instanceof Socket) stream.unref();
}

async function ready(child: ChildProcess): Promise<string | undefined> {
  let out = '';
  for await (const text of child.stdout ?? []) {
    out += text;
    const url = /ready on (\S+)/.exec(out)?.[1];
    if (url !== undefined) return url;
  }
  return undefined;
}

function at(relative: string): string {
  return new URL(relative, import.meta.url).pathname;
}

function isSocket(descriptor: string): boolean {
  try {
    return readlinkSync(descriptor).startsWith('socket:');
  } catch {
    // Closed since it was listed.
    return false;
  }
}
