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

/** What came back over a connection on which bytes of a test's own were sent. */
export interface RawAnswer {
  /** Of each answer, in order; interim ones too. */
  readonly statuses: readonly number[];
  readonly text: string;
  /** The JSON body of the last answer. */
  json(): {
    readonly error?: { readonly code?: string; readonly type?: string; readonly param?: string | null };
  };
}

/** Sends these bytes, one piece after the other's answer, and reads until the server ends the connection. */
export async function sendRaw(url: string, ...pieces: readonly (string | Buffer)[]): Promise<RawAnswer> {
  using client = connectRaw(url);
  for (const [at, piece] of pieces.entries()) {
    const before = client.text().length;
    client.socket.write(typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece);
    if (at < pieces.length - 1) await until(() => client.text().length > before, 'an answer');
  }
  await client.ended;
  const text = client.text();
  return {
    text,
    statuses: [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status)),
    json: () => JSON.parse(text.slice(text.lastIndexOf('\r\n\r\n') + 4)),
  };
}
