import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { RepriseError } from '../shared/errors.ts';
import type { Header } from '../upstream/headers.ts';
import { errorAnswer } from './errors.ts';

/** The head of an answer (RFC 9112 §4), for a connection that Node answers nothing on. */
export function rawHead(status: number, headers: readonly Header[]): Buffer {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return Buffer.from(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines}\r\n`, 'latin1');
}

/** Answers with an error of ours on a connection that no answer has begun on, and closes it. `as` is another status for it. */
export function refuse(socket: Duplex, error: RepriseError, requestId: string, as?: number): void {
  const { status, headers, body } = errorAnswer(error);
  const head = rawHead(as ?? status, [...headers, ['x-request-id', requestId], ['connection', 'close']]);
  // Destroyed as soon as it is out: the client's side of the connection may stay open for ever.
  socket.end(Buffer.concat([head, body]), () => socket.destroy());
}
