import { connect, type Socket } from 'node:net';
import { within } from './deadline.ts';

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
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  // What is malformed may be answered, and the connection cut, before all of it is sent.
  socket.on('error', () => socket.destroy());
  const received: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => received.push(chunk));
  const over = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  for (const piece of pieces) {
    socket.write(typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece);
    if (piece !== pieces.at(-1)) await answered(socket);
  }
  try {
    await within(over, 'the end of the connection');
  } finally {
    socket.destroy();
  }
  const text = Buffer.concat(received).toString('latin1');
  return {
    text,
    statuses: [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status)),
    json: () => JSON.parse(text.slice(text.lastIndexOf('\r\n\r\n') + 4)),
  };
}

function answered(socket: Socket): Promise<void> {
  return within(new Promise<void>((resolve) => socket.once('data', () => resolve())), 'an answer');
}
