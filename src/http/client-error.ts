import { type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { messageOf, RepriseError } from '../shared/errors.ts';
import { newId } from './delivery.ts';
import { errorAnswer } from './errors.ts';

/**
 * Answers what Node never makes a request of, in the shape of all errors of ours: a head or a body that its parser does not
 * take (400), a head that is too large (431) or too slow (408), and `CONNECT` (405). Nobody can say where the next request
 * would begin: the connection ends.
 */
export function answerClientErrors(server: Server): void {
  const latest = new WeakMap<Duplex, ServerResponse>();
  server.on('request', (incoming, response) => latest.set(incoming.socket, response));
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const status = statusOf(error.code);
    if (status === undefined || !socket.writable) return void socket.destroy();
    const refusal = new RepriseError('invalid_request', `The request cannot be read: ${messageOf(error)}.`);
    end(socket, isIts(latest.get(socket), socket) ? bytesOf(refusal, status) : undefined);
  });
  server.on('connect', (_incoming, socket) => {
    const refusal = new RepriseError('method_not_allowed', 'CONNECT is not taken here: this is no tunnel.');
    end(socket, bytesOf(refusal, refusal.status));
  });
  // Nobody needs to meet an expectation (RFC 9110 §10.1.1), and Node's own 417 says nothing.
  server.on('checkExpectation', (incoming, response) => server.emit('request', incoming, response));
}

/** The status for what the parser threw; undefined where the client has gone or does not speak HTTP in clear. */
function statusOf(code = ''): number | undefined {
  if (code === 'HPE_HEADER_OVERFLOW') return 431;
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 408;
  return code.startsWith('HPE_') ? 400 : undefined;
}

/**
 * Whether the client would take what is written now for the answer to what could not be read. It would not while an earlier
 * request is unanswered, or once its own answer has begun.
 */
function isIts(response: ServerResponse | undefined, socket: Duplex): boolean {
  if (response === undefined || response.writableFinished) return true;
  return response.socket === socket && !response.headersSent && !response.req.complete;
}

/** Ends a connection after `bytes` and what has been written to it before. */
function end(socket: Duplex, bytes: Buffer = Buffer.alloc(0)): void {
  socket.end(bytes, () => socket.destroy());
}

/** An error as a whole answer, for a connection that has no response object. */
function bytesOf(error: RepriseError, status: number): Buffer {
  const { headers, body } = errorAnswer(error);
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'connection: close',
    ...headers.map(([name, value]) => `${name}: ${value}`),
    `x-request-id: req_${newId()}`,
  ];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), body]);
}
