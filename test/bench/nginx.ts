import { spawn, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../support/deadline.ts';
import { freePort } from '../support/free-port.ts';
import type { LoadGenerator } from '../support/load/generator.ts';
import type { Achieved } from '../support/load/process.ts';
import { type Effort, median } from './measure.ts';
import type { Payload } from './payloads.ts';
import { aimedAt, type Subject, startBare, startStandIn } from './subjects.ts';

/** What nginx came to beside the bare server: medians over the rounds. */
export interface NginxFigures {
  readonly name: string;
  readonly requestsPerSecond: number;
  readonly cpuMicroseconds: number;
  /** Of the requests per second, to the bare server's in the same round. */
  readonly throughput: number;
}

/** Whether there is an nginx on this machine. */
export function hasNginx(): boolean {
  return spawnSync('nginx', ['-v']).status === 0;
}

/** Measures nginx, one worker, as a cache whose key holds the request's body, beside the bare server in turn. */
export async function measureNginx(
  payload: Payload,
  generator: LoadGenerator,
  effort: Effort,
): Promise<NginxFigures> {
  const folder = await mkdtemp(join(tmpdir(), 'reprise-bench-'));
  const standIn = await startStandIn((_path, body) => [payload.contentType, payload.answer(body)]);
  try {
    using bare = await startBare(payload, payload.answer(payload.bodies[0] ?? ''), folder);
    using nginx = await startNginx(standIn.url, folder);
    const load = (subject: Subject, ms: number): Promise<Achieved> => {
      const { warmUpMs } = effort;
      return generator.run({ ...aimedAt(subject, payload), connections: 64, warmUpMs, ms, varied: 0 });
    };
    for (const subject of [bare, nginx]) await load(subject, effort.settleMs);
    const rounds: [bare: Achieved, nginx: Achieved][] = [];
    for (let round = 0; round < effort.rounds; round += 1)
      rounds.push([await load(bare, effort.ms), await load(nginx, effort.ms)]);
    const rate = ({ answers, ms }: Achieved) => (1_000 * answers) / ms;
    return {
      name: payload.name,
      requestsPerSecond: median(rounds.map(([, nginx]) => rate(nginx))),
      cpuMicroseconds: median(rounds.map(([, { cpuMs, answers }]) => (1_000 * cpuMs) / answers)),
      throughput: median(rounds.map(([one, other]) => rate(other) / rate(one))),
    };
  } finally {
    standIn.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function startNginx(upstream: string, folder: string): Promise<Subject & Disposable> {
  const home = join(folder, 'nginx');
  await mkdir(home);
  const port = await freePort();
  await writeFile(join(home, 'nginx.conf'), configuration(port, upstream, home));
  // Its own process is the worker, so that its CPU time is the whole of it.
  const child = spawn('nginx', ['-p', home, '-c', 'nginx.conf', '-e', join(home, 'error.log')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const answers = () =>
    fetch(`http://127.0.0.1:${port}/`)
      .then((answer) => answer.arrayBuffer())
      .then(
        () => true,
        () => false,
      );
  await until(answers, 'nginx', 10_000);
  return { port, pid: child.pid ?? 0, [Symbol.dispose]: () => void child.kill() };
}

function configuration(port: number, upstream: string, home: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
    daemon off;
    master_process off;
    pid ${home}/pid;
    events { worker_connections 4096; }
    http {
      access_log off;
      keepalive_requests 1000000000;
      ${temporary.map((name) => `${name}_temp_path ${home}/${name};`).join('\n')}
      client_body_buffer_size 1m;
      client_body_in_single_buffer on;
      proxy_cache_path ${home}/cache keys_zone=answers:20m;
      server {
        listen 127.0.0.1:${port} backlog=4096;
        location / {
          proxy_pass ${upstream};
          proxy_cache answers;
          proxy_cache_methods POST;
          proxy_cache_key "$request_uri|$http_authorization|$request_body";
          proxy_cache_valid 200 1h;
        }
      }
    }`;
}
