import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Agent } from 'undici';

// The yardstick of misses: the least that a proxy in front of a model does. It reads each request's body, sends it upstream over
// kept-alive connections with undici's `dispatch`, and passes the answer on as it comes. `node bare-relay.ts ORIGIN`; it prints
// its port.

const [, , origin = ''] = process.argv;
const agent = new Agent({ keepAliveTimeout: 60_000 });
const headers = ['content-type', 'application/json', 'authorization', 'Bearer sk-bench'];

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () =>
    agent.dispatch(
      { origin, path: request.url ?? '', method: 'POST', headers, body: Buffer.concat(chunks) },
      {
        onRequestStart() {},
        onResponseStart(_controller, status, answered) {
          const length = answered['content-length'];
          response.setHeader('content-type', answered['content-type'] ?? '');
          if (length !== undefined) response.setHeader('content-length', length);
          response.writeHead(status);
          if (length === undefined) response.flushHeaders();
        },
        onResponseData: (_controller, chunk) => void response.write(chunk),
        onResponseEnd: () => void response.end(),
        onResponseError: () => void response.destroy(),
      },
    ),
  );
});
server.keepAliveTimeout = 75_000;
server.listen(0, '127.0.0.1', 4_096, () =>
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`),
);
