import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { onTheWire } from '../support/load/generator.ts';
import type { Payload } from './payloads.ts';

/** A server that is measured, in a process of its own. */
export interface Subject {
  readonly port: number;
  readonly pid: number;
}

/** A server of Node's own, of so many threads, that sends the answers of a payload. */
export async function startBare(
  { contentType }: Payload,
  answer: Buffer,
  folder: string,
  threads = 1,
): Promise<Subject & Disposable> {
  const file = join(folder, 'answer');
  await writeFile(file, answer);
  return await startScript('./bare-server.ts', contentType, file, String(threads));
}

/** Starts a server of these folder's, which prints its port. */
export async function startScript(script: string, ...args: readonly string[]): Promise<Subject & Disposable> {
  const child = spawn(process.execPath, [at(script), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(child.stdout, 'data');
  return { port: Number(String(line)), pid: child.pid ?? 0, [Symbol.dispose]: () => void child.kill() };
}

/** A stand-in for the model behind the cache, in this process. */
export interface StandIn {
  readonly url: string;
  /** Calls so far. */
  calls(): number;
  close(): void;
}

/** Starts one that answers each payload's requests, by their path and body. */
export async function startStandIn(
  answerTo: (path: string, body: string) => [string, Buffer],
): Promise<StandIn> {
  let calls = 0;
  const server = createServer(async (request, response) => {
    calls += 1;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const [contentType, answer] = answerTo(request.url ?? '', Buffer.concat(chunks).toString());
    response.writeHead(200, { 'content-type': contentType, 'content-length': answer.length }).end(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls: () => calls,
    close: () => server.close().closeAllConnections(),
  };
}

/** Whom a payload's requests are sent to, and those as they go over the wire: the beginning of a `Task`. */
export function aimedAt({ port, pid }: Subject, { path, bodies }: Payload) {
  const requests = bodies.map((body) => onTheWire(path, body, port).toString('base64'));
  return { ports: [port], pids: [pid], requests };
}

function at(relative: string): string {
  return new URL(relative, import.meta.url).pathname;
}
