import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type Listening, listening } from './listening.ts';

/** An upstream that takes WebSockets. Dispose of it to end it with all its connections. */
export interface WebSocketUpstream extends Listening {
  /** With its `/v1`. */
  readonly url: string;
  /** The handshakes that came, in order. */
  readonly handshakes: readonly IncomingMessage[];
  /** The connections that were upgraded, in order. */
  readonly sockets: readonly Socket[];
}

/** What becomes of a connection once its handshake is answered. */
export type Talk = (socket: Socket) => void;

/** Starts one on a free port: it agrees to every handshake, and then does what `talk` says. Other requests get a 500. */
export async function startWebSocketUpstream(talk: Talk = echoMessages): Promise<WebSocketUpstream> {
  const handshakes: IncomingMessage[] = [];
  const sockets: Socket[] = [];
  const server = createServer((_request, response) => response.writeHead(500).end());
  server.on('upgrade', (request: IncomingMessage, _socket: unknown, early: Buffer) => {
    const { socket } = request;
    handshakes.push(request);
    sockets.push(socket);
    if (early.length > 0) socket.unshift(early);
    socket.write(agreement(request));
    talk(socket);
  });
  const listens = await listening(server);
  return { ...listens, url: `http://127.0.0.1:${listens.port}/v1`, handshakes, sockets };
}

/** Sends back every byte, and ends when the client does. */
export const echoBytes: Talk = (socket) => {
  socket.pipe(socket);
};

/** Sends every message back, unmasked: RFC 6455 §5.2, for frames of less than 64 kB that come whole. */
export const echoMessages: Talk = (socket) => {
  let held = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    held = Buffer.concat([held, chunk]);
    for (let frame = frameIn(held); frame !== undefined; frame = frameIn(held)) {
      held = held.subarray(frame.size);
      socket.write(Buffer.concat([frame.head, frame.payload]));
      if (frame.isClose) socket.end();
    }
  });
  socket.on('end', () => socket.end());
};

/** A frame, as it is sent back: its head without the mask. `size` is what it took. */
function frameIn(bytes: Buffer) {
  const [first = 0, second = 0] = bytes;
  const isLong = (second & 127) === 126;
  const start = isLong ? 8 : 6;
  if (bytes.length < start) return undefined;
  const length = isLong ? bytes.readUInt16BE(2) : second & 127;
  if (bytes.length < start + length) return undefined;
  const mask = bytes.subarray(start - 4, start);
  const payload = bytes.subarray(start, start + length).map((byte, at) => byte ^ (mask[at % 4] ?? 0));
  const head = Buffer.from([first, second & 127, ...bytes.subarray(2, start - 4)]);
  return { head, payload, size: start + length, isClose: (first & 15) === 8 };
}

function agreement({ headers }: IncomingMessage): string {
  const accept = createHash('sha1')
    .update(`${headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest('base64');
  const protocol = headers['sec-websocket-protocol']?.split(',', 1);
  return [
    'HTTP/1.1 101 Switching Protocols',
    'connection: Upgrade',
    'upgrade: websocket',
    `sec-websocket-accept: ${accept}`,
    ...(protocol === undefined ? [] : [`sec-websocket-protocol: ${protocol}`]),
    'x-upstream: yes',
    'access-control-allow-origin: *',
    '',
    '',
  ].join('\r\n');
}
