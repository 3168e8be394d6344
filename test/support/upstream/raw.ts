import { createServer, type Socket } from 'node:net';
import { type Listening, listening } from './listening.ts';

/** An upstream of bytes, not of HTTP, for what no HTTP server would do. */
export interface RawUpstream extends Listening {
  /** With its `/v1`. */
  readonly url: string;
  /** How many requests came, by their heads. */
  requests(): number;
  /** How many connections are open. */
  sockets(): number;
}

/** What is done with the socket when a request's head has arrived; `body` is what of its body came along. */
export type Script = (socket: Socket, body: Buffer) => void;

/** Starts one that follows `script` at each request. It reads on unless the script pauses its socket. */
export async function startRaw(script: Script): Promise<RawUpstream> {
  let requests = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    let head = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      const seen = Buffer.concat([head, chunk]);
      const end = seen.indexOf('\r\n\r\n');
      // The rest of a body that is being read and not looked at holds no empty line in these tests.
      if (end === -1) head = seen.subarray(-3);
      else {
        head = Buffer.alloc(0);
        requests += 1;
        script(socket, seen.subarray(end + 4));
      }
    });
  });
  const there = await listening(server);
  return {
    ...there,
    url: `http://127.0.0.1:${there.port}/v1`,
    requests: () => requests,
    sockets: () => sockets.size,
    [Symbol.dispose]: () => there[Symbol.dispose](),
  };
}

/** An answer's bytes: a status line, these headers, and a body, whose length is said unless a header says how it ends. */
export function rawAnswer(status: string, headers: readonly string[], body = ''): string {
  const framed = headers.some((line) => /^(content-length|transfer-encoding|connection: close)/i.test(line));
  const length = framed ? [] : [`content-length: ${Buffer.byteLength(body)}`];
  return [`HTTP/1.1 ${status}`, ...headers, ...length, '', body].join('\r\n');
}
