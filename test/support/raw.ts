import { connect, type Socket } from 'node:net';
import { until, within } from './deadline.ts';

/** A client that speaks no HTTP of its own: it sends the bytes it is told to, and keeps what comes. */
export interface RawClient extends Disposable {
  readonly socket: Socket;
  /** Everything that has come, as latin1. */
  text(): string;
  /** Resolves when what has come matches. */
  got(pattern: RegExp): Promise<void>;
  /** Resolves when the server has ended its side, or broken the connection. */
  readonly ended: Promise<void>;
}

/** Connects to the host of `url` and sends `bytes`. */
export function connectRaw(url: string, bytes = ''): RawClient {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  const chunks: Buffer[] = [];
  const text = () => Buffer.concat(chunks).toString('latin1');
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => socket.destroy());
  const over = new Promise<void>((resolve) => {
    socket.on('end', resolve);
    socket.on('close', () => resolve());
  });
  if (bytes !== '') socket.write(bytes, 'latin1');
  return {
    socket,
    text,
    got: (pattern) => until(() => pattern.test(text()), `${pattern} in ${JSON.stringify(text())}`),
    get ended() {
      return within(over, 'the end of the connection');
    },
    [Symbol.dispose]: () => socket.destroy(),
  };
}
