import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Achieved, Task } from './process.ts';

/** The load generator, in a process of its own. */
export class LoadGenerator {
  readonly #child: ChildProcess = fork(new URL('./process.ts', import.meta.url).pathname);

  /** Does one task after the other. Rejects if any request goes wrong. */
  async run(task: Task): Promise<Achieved> {
    const answered = once(this.#child, 'message');
    this.#child.send(task);
    const [achieved] = (await answered) as [Achieved];
    const { errors } = achieved;
    if (errors.length > 0) throw new Error(`${errors.length} requests went wrong, the first: ${errors[0]}`);
    return achieved;
  }

  close(): void {
    this.#child.kill();
  }
}

/** A request as it goes over the wire, with the headers that OpenAI's SDK sends. */
export function onTheWire(path: string, body: string, port: number): Buffer {
  const head = [
    `POST ${path} HTTP/1.1`,
    `host: 127.0.0.1:${port}`,
    'connection: keep-alive',
    'accept: application/json',
    'content-type: application/json',
    'user-agent: OpenAI/JS 7.57.0',
    'x-stainless-retry-count: 0',
    'x-stainless-lang: js',
    'x-stainless-package-version: 7.57.0',
    'x-stainless-os: Linux',
    'x-stainless-arch: x64',
    'x-stainless-runtime: node',
    'x-stainless-runtime-version: v26.10.0',
    'authorization: Bearer sk-bench-0123456789abcdef0123456789abcdef',
    'accept-encoding: gzip, deflate, br',
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
}
