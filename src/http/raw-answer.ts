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

/**
 * The head of an answer, of `headers` in name, value, name, value …, as Node writes it where the connection goes on; undefined for one
 * with a character that is not to be in a head.
 */
export function keptAliveHead(status: number, headers: readonly string[]): string | undefined {
  let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`;
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const line = `${headers[at]}: ${headers[at + 1]}`;
    if (NOT_IN_A_LINE.test(line)) return undefined;
    text += `${line}\r\n`;
  }
  return `${text}Date: ${new Date().toUTCString()}\r\nConnection: keep-alive\r\nKeep-Alive: timeout=${KEEP_ALIVE_MS / 1_000}\r\n\r\n`;
}

// RFC 9110 §5.5, as Node checks it.
const NOT_IN_A_LINE = /[^\t\x20-\x7e\x80-\xff]/;

/** How long a connection may be idle: above what the usual load balancers allow (60 s), so that they never reuse one that we are closing. */
export const KEEP_ALIVE_MS = 75_000;

/** Answers with an error of ours on a connection that no answer has begun on, and closes it. `as` is another status for it. */
export function refuse(socket: Duplex, error: RepriseError, requestId: string, as?: number): void {
  const { status, headers, body } = errorAnswer(error);
  const head = rawHead(as ?? status, [...headers, ['x-request-id', requestId], ['connection', 'close']]);
  // Node listens no more on what it has handed over, and an error nobody hears ends the process.
  socket.on('error', () => socket.destroy());
  // Destroyed as soon as it is out: the client's side of the connection may stay open for ever.
  socket.end(Buffer.concat([head, body]), () => socket.destroy());
}
