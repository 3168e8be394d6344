import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chat } from './payloads.ts';

// The model that misses are asked of: JSON at once, or, to a question with `"stream":true`, the first chunk at once and the
// others at intervals. `node streaming-model.ts CHUNKS INTERVAL-MS`; it prints its port.

const [, , chunks = '', interval = ''] = process.argv;
const answer = chat.answer('');

const server = createServer((request, response) => {
  const pieces: Buffer[] = [];
  request.on('data', (piece: Buffer) => pieces.push(piece));
  request.on('end', () => {
    if (Buffer.concat(pieces).includes('"stream":true')) void stream(request, response);
    else
      response
        .writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length })
        .end(answer);
  });
});
server.keepAliveTimeout = 75_000;
server.listen(0, '127.0.0.1', 4_096, () =>
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`),
);

async function stream({ socket }: IncomingMessage, response: ServerResponse): Promise<void> {
  socket.setNoDelay(true);
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const choice = (delta: object, finish: string | null) => [{ index: 0, delta, finish_reason: finish }];
  for (let at = 1; at <= Number(chunks); at += 1) {
    const isLast = at === Number(chunks);
    const event = {
      id: 'chatcmpl-1',
      object: 'chat.completion.chunk',
      created: 1_780_000_000,
      model: 'gpt-5-mini',
      choices: choice({ content: ' word' }, isLast ? 'stop' : null),
    };
    response.write(`data: ${JSON.stringify(event)}\n\n`);
    if (!isLast) await new Promise((resolve) => setTimeout(resolve, Number(interval)));
  }
  response.end('data: [DONE]\n\n');
}
