import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

// The yardstick: Node's own HTTP server, which reads each request's body to its end and then sends the bytes of a file.
// `node bare-server.ts CONTENT-TYPE FILE`; it prints its port.

const [, , contentType = '', file = ''] = process.argv;
const answer = readFileSync(file);
const headers = { 'content-type': contentType, 'content-length': String(answer.length) };

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => response.writeHead(200, headers).end(answer));
});
server.keepAliveTimeout = 75_000;
server.listen(0, '127.0.0.1', 4_096, () =>
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`),
);
