import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { messageOf, RepriseError } from '../shared/errors.ts';
import { newId } from './delivery.ts';
import { refuse } from './raw-answer.ts';

/** How long clients are waited for, in milliseconds. */
export interface ClientTimeouts {
  /** Until a request's head is complete. */
  readonly headers: number;
  /** Between two pieces of a request's body. */
  readonly body: number;
  /** In which a client takes nothing of an answer that waits for it. */
  readonly write: number;
}

/** The latest request on a connection. */
interface Latest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Whether its body was held back by us when the connection was last found silent. */
  heldBack: boolean;
}

/**
 * Cuts clients that are dead, stalled or speak no HTTP, and leaves those alone that are slow. Node's own timer of a
 * connection measures the silence: every byte starts it anew, also those of one large write under way.
 */
export function watchConnections(server: Server, timeouts: ClientTimeouts): void {
  const latest = new WeakMap<Duplex, Latest>();
  server.timeout = timeouts.write;
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    latest.set(socket, { request, response, heldBack: false });
    response.on('close', () => {
      if (request.complete) return;
      // The next request begins behind this one's body, whether or not anybody wanted all of it.
      request.unpipe().resume();
      socket.setTimeout(timeouts.body);
    });
    if (!hasBody(request)) return;
    socket.setTimeout(timeouts.body);
    request.once('end', () =>
      socket.setTimeout(response.writableFinished ? server.keepAliveTimeout : timeouts.write),
    );
  });
  server.on('timeout', (socket: Socket) => {
    const exchange = latest.get(socket);
    if (exchange === undefined || isOver(exchange) || socket.writableEnded) socket.destroy();
    else if (!exchange.request.complete && isSilent(exchange)) cut(socket, exchange, silentBody(timeouts));
    else if (exchange.request.complete && socket.writableLength > 0) socket.destroy();
    // It is the upstream that is waited for.
    else socket.setTimeout(socket.timeout ?? timeouts.write);
  });
  server.on('clientError', (thrown: Error, socket: Duplex) => {
    const error = mistakeOf(thrown, timeouts);
    const received = 'bytesRead' in socket && socket.bytesRead !== 0;
    // On a connection nothing was ever sent on, a browser's in reserve, an answer would be taken for one to the request to come.
    if (error === undefined || !received || !socket.writable) socket.destroy();
    else cut(socket, latest.get(socket), error);
  });
}

function hasBody({ headersDistinct }: IncomingMessage): boolean {
  return (
    headersDistinct['content-length'] !== undefined || headersDistinct['transfer-encoding'] !== undefined
  );
}

function isOver({ request, response }: Latest): boolean {
  return request.complete && response.writableFinished;
}

/** Whether it is the client that a body waits for, and was so for the whole of the silence. */
function isSilent(exchange: Latest): boolean {
  const wasHeldBack = exchange.heldBack;
  exchange.heldBack = exchange.request.readableFlowing !== true;
  return !wasHeldBack && !exchange.heldBack;
}

/** Ends a connection for what is wrong with the request that is being received on it: told where that can still be. */
function cut(socket: Duplex, exchange: Latest | undefined, error: RepriseError): void {
  const { request, response } = exchange ?? {};
  const isIdle = exchange === undefined || isOver(exchange);
  // Behind an answer that has begun, or that is owed to the request before, it would be read as that one's.
  if (isIdle || (request?.complete === false && response?.headersSent === false))
    refuse(socket, error, `req_${newId()}`);
  else socket.destroy();
}

function silentBody({ body }: ClientTimeouts): RepriseError {
  return new RepriseError(
    'invalid_request',
    `Nothing more of the request body came for ${body / 1000} s (setting server.timeouts.body).`,
  );
}

/** What a client is told of a request that Node could not read; undefined where the connection is broken. */
function mistakeOf(thrown: Error, { headers }: ClientTimeouts): RepriseError | undefined {
  const code = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    const why = `was not complete within ${headers / 1000} s (setting server.timeouts.headers)`;
    return new RepriseError('invalid_request', `The head of the request ${why}.`);
  }
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new RepriseError('invalid_request', 'The head of the request is larger than is taken.');
  }
  if (!code.startsWith('HPE_')) return undefined;
  return new RepriseError('invalid_request', `This is no request in HTTP/1.1: ${messageOf(thrown)}.`);
}
