import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Worker, workerData } from 'node:worker_threads';

// The yardstick: Node's own HTTP server, which reads each request's body to its end and then sends the bytes of a file.
// `node bare-server.ts CONTENT-TYPE FILE [THREADS]`; it prints its port. With several threads they share that.

const [, , contentType = '', file = '', threads = '1'] = process.argv;
const answer = readFileSync(file);
const headers = { 'content-type': contentType, 'content-length': String(answer.length) };
const reusePort = threads !== '1';

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => response.writeHead(200, headers).end(answer));
});
server.keepAliveTimeout = 75_000;
// Only threads that are not the first have been given a port.
const given: number | null = workerData?.port ?? null;
server.listen({ port: given ?? 0, host: '127.0.0.1', backlog: 4_096, reusePort }, async () => {
  const { port } = server.address() as AddressInfo;
  if (given !== null) return;
  const others = Array.from({ length: Number(threads) - 1 }, () => startThread(port));
  await Promise.all(others);
  process.stdout.write(`${port}\n`);
});

async function startThread(port: number): Promise<void> {
  const thread = new Worker(new URL(import.meta.url), { argv: process.argv.slice(2), workerData: { port } });
  await new Promise((resolve) => thread.once('online', resolve));
}
