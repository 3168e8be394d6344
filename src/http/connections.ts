import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { messageOf, RepriseError } from '../shared/errors.ts';
import { onceRead } from '../shared/once-read.ts';
import { refuse } from './raw-answer.ts';
import { newRequestId } from './request-id.ts';

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
  /** Whether we held its body back when the connection was last found silent. */
  wasHeldBack: boolean;
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
    const exchange = { request, response, wasHeldBack: false };
    latest.set(socket, exchange);
    awaitBody(exchange);
  });
  const awaitBody = onceRead(({ request, response }: Latest) => {
    // Most have come with their head: there is nothing to wait for.
    if (request.complete) return;
    const { socket } = request;
    const answered = () => {
      if (request.complete) return;
      // The next request begins behind this one's body, whether or not anybody wanted all of it.
      request.unpipe().resume();
      socket.setTimeout(timeouts.body);
    };
    if (response.destroyed) answered();
    else response.on('close', answered);
    socket.setTimeout(timeouts.body);
    request.once('end', () => {
      // The next request may have begun already, and have a body of its own.
      if (latest.get(socket)?.request !== request) return;
      socket.setTimeout(response.writableFinished ? server.keepAliveTimeout : timeouts.write);
    });
  });
  server.prependListener('upgrade', ({ socket }: IncomingMessage) => {
    // A tunnel may be silent for as long as both ends like; a client that is gone is found by TCP's own probes.
    socket.setTimeout(timeouts.write);
    socket.on('timeout', () => {
      if (socket.writableLength > 0) socket.destroy();
      else socket.setTimeout(timeouts.write);
    });
  });
  server.on('timeout', (socket: Socket) => {
    const exchange = latest.get(socket);
    const turn = whoseTurn(socket, exchange);
    if (turn === 'ours') socket.setTimeout(socket.timeout ?? timeouts.write);
    else if (turn === 'to send') cut(socket, exchange, silentBody(timeouts));
    else socket.destroy();
  });
  server.on('clientError', (thrown: Error, socket: Duplex) => {
    const mistake = mistakeOf(thrown, timeouts);
    // A connection that never had a request may be a browser's in reserve: what comes unasked would answer its first one.
    const isInReserve = !('bytesRead' in socket) || socket.bytesRead === 0;
    if (mistake === undefined || isInReserve || !socket.writable) socket.destroy();
    else cut(socket, latest.get(socket), mistake);
  });
}

/** What a silent connection waits for: the client `to send` a body's rest or `to take` an answer, us, or no more. */
type Turn = 'ours' | 'to send' | 'to take' | 'over';

function whoseTurn(socket: Socket, exchange: Latest | undefined): Turn {
  if (exchange === undefined || isOver(exchange) || socket.writableEnded) return 'over';
  const { request, wasHeldBack } = exchange;
  if (request.complete) return socket.writableLength > 0 ? 'to take' : 'ours';
  exchange.wasHeldBack = request.readableFlowing !== true;
  // The client's for the whole of the silence, or it is given another.
  return exchange.wasHeldBack || wasHeldBack ? 'ours' : 'to send';
}

function isOver({ request, response }: Latest): boolean {
  return request.complete && response.writableFinished;
}

/** Ends a connection for what is wrong with the request that is being received on it: told where that can still be. */
function cut(socket: Duplex, exchange: Latest | undefined, { message, status }: Mistake): void {
  if (exchange !== undefined && !isOver(exchange) && !isNext(exchange)) return void socket.destroy();
  refuse(socket, new RepriseError('invalid_request', message), newRequestId(), status);
}

/** Whether what is written now is read as this request's answer, and not as the rest of one, or as the one before. */
function isNext({ request, response }: Latest): boolean {
  return !request.complete && !response.headersSent && response.socket !== null;
}

/** What is wrong with a request, and the status that says so. */
interface Mistake {
  readonly message: string;
  readonly status: number;
}

function silentBody({ body }: ClientTimeouts): Mistake {
  const waited = `${body / 1000} s (setting server.timeouts.body)`;
  return { status: 408, message: `Nothing more of the request body came for ${waited}.` };
}

/** What a client is told of a request that Node could not read; undefined where the connection is broken. */
function mistakeOf(thrown: Error, { headers }: ClientTimeouts): Mistake | undefined {
  const code = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    const waited = `${headers / 1000} s (setting server.timeouts.headers)`;
    return { status: 408, message: `The head of the request was not complete within ${waited}.` };
  }
  if (code === 'HPE_HEADER_OVERFLOW') {
    return { status: 431, message: 'The head of the request is larger than is taken.' };
  }
  if (!code.startsWith('HPE_')) return undefined;
  return { status: 400, message: `The request cannot be read: ${messageOf(thrown)}.` };
}
