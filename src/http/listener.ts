import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { LONGEST_TIMER_MS } from '../shared/clock.ts';
import { RepriseError } from '../shared/errors.ts';
import type { FoundOut } from './asked.ts';
import { type ClientTimeouts, watchConnections } from './connections.ts';
import { corsHeaders, isPreflight, preflightHeaders } from './cors.ts';
import { deliverError } from './deliver.ts';
import { FastLane } from './fast-lane.ts';
import { nameNotTaken, namesMember } from './header-names.ts';
import type { HeadedRequest } from './heads.ts';
import type { LaneContext } from './lane-connection.ts';
import { KEEP_ALIVE_MS, refuse } from './raw-answer.ts';
import { type Request, type RequestListener, readHead } from './request.ts';
import { newRequestId } from './request-id.ts';
import { isWebSocket } from './tunnel.ts';

/** What an HTTPS server shows and knows, in PEM. */
export interface Certificate {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly passphrase: string | undefined;
}

/** The data plane, as a listener hands requests to it. */
export interface DataListener {
  /** Reads a request's head, be it the data plane's or not. Throws a RepriseError for one that is not taken. */
  readonly readHead: (incoming: IncomingMessage) => HeadedRequest;
  /** Answers a request, of which more may be `known`; never throws. */
  readonly serveData: (request: HeadedRequest, response: ServerResponse, known: FoundOut | undefined) => void;
  /** Tunnels a request that wants to become a WebSocket, behind which `early` came; never throws. */
  readonly openTunnel: (incoming: IncomingMessage, early: Buffer) => void;
  /** The origins whose web pages may read answers; `*` is every one. */
  readonly corsOrigins: readonly string[];
  /** Answers what was asked before; undefined where answers may need more than what was answered then. */
  readonly atOnce: LaneContext | undefined;
}

/** What a listener hands requests to. */
export interface ListenerContext {
  /** Absent where only the control plane is. */
  readonly data: DataListener | undefined;
  /** Answers everything else. */
  readonly control: RequestListener;
  readonly timeouts: ClientTimeouts;
  /** Absent: plain HTTP. */
  readonly certificate: Certificate | undefined;
}

/**
 * The HTTP listener. It asks one question: data plane or not? The data plane goes straight to the pipeline, on Node's
 * own request and response: a hit through a web framework costs a third more (measured), and raw writes under one have
 * ways to corrupt an answer. What was asked before does not even come to that: see {@link FastLane}.
 */
export function createListener(context: ListenerContext): Server {
  const { certificate, control, data } = context;
  const timeouts = countable(context.timeouts);
  const corsOrigins = data?.corsOrigins ?? [];
  const settings = { ...SETTINGS, ...headTimeouts(timeouts.headers) };
  const server: Server =
    certificate === undefined
      ? createServer(settings)
      : createTlsServer({ ...settings, ...certificate, handshakeTimeout: timeouts.headers });
  const lane = data?.atOnce && new FastLane(data.atOnce, server, certificate !== undefined);
  server.on('request', (incoming: IncomingMessage, response: ServerResponse) => {
    let request: HeadedRequest | undefined;
    let known: FoundOut | undefined;
    try {
      if (namesMember(incoming)) throw nameNotTaken();
      // Set before anybody answers, so that no answer lacks them.
      if (corsOrigins.length > 0) {
        const origin = incoming.headersDistinct.origin?.join();
        for (const [name, value] of corsHeaders(corsOrigins, origin)) response.setHeader(name, value);
      }
      if (data === undefined) readHead(incoming);
      else request = data.readHead(incoming);
      known = lane?.began(incoming, response, request?.head.place.isData ? request : undefined);
    } catch (thrown) {
      if (!(thrown instanceof RepriseError)) throw thrown;
      // Where the head is in doubt, so is where the next one begins.
      lane?.began(incoming, response);
      response.setHeader('connection', 'close');
      deliverError(thrown, response, newRequestId());
      return;
    }
    if (data === undefined || request?.head.place.isData !== true) void control(incoming, response);
    else if (corsOrigins.length > 0 && isPreflight(request)) answerPreflight(request, response);
    else data.serveData(request, response, known);
  });
  // Node drops what is above its 1,000 without a word; their bytes are bounded by the head's size.
  server.maxHeadersCount = 0;
  server.on('connect', (_incoming, socket) => refuse(socket, noTunnel(), newRequestId()));
  // Nobody needs to meet an expectation (RFC 9110 §10.1.1), and Node's own 417 says nothing.
  server.on('checkExpectation', (incoming, response) => server.emit('request', incoming, response));
  server.on('upgrade', (incoming, socket, early) => {
    if (namesMember(incoming)) refuse(socket, nameNotTaken(), newRequestId());
    else if (data === undefined) refuse(socket, noWebSocket(), newRequestId());
    else data.openTunnel(incoming, early);
  });
  watchConnections(server, timeouts);
  return server;
}

function noTunnel(): RepriseError {
  return new RepriseError('method_not_allowed', 'CONNECT is not taken here: this is no tunnel.');
}

function noWebSocket(): RepriseError {
  return new RepriseError('not_found', 'There is no WebSocket here: this is the control plane.');
}

/** Answers in the place of the upstream, which need not know whose pages may call here. */
function answerPreflight(request: Request, response: ServerResponse): void {
  const isAllowed = response.hasHeader('access-control-allow-origin');
  response.writeHead(204, isAllowed ? preflightHeaders(request).flat() : []).end();
}

const SETTINGS = {
  keepAliveTimeout: KEEP_ALIVE_MS,
  // An upload may take as long as it takes; Node's default would cut one of 512 MB on a slow line after 5 minutes.
  requestTimeout: 0,
  maxHeaderSize: 32_768,
  // TCP asks a silent client after a minute whether it is still there, and ends the connection of one that is not.
  keepAlive: true,
  keepAliveInitialDelay: 60_000,
  // Node before 24.9 does not know it.
  shouldUpgradeCallback: isWebSocket,
  // Answered by us, in the shape of our errors.
  requireHostHeader: false,
} as const;

/** No time longer than a timer can be: Node would cut it too, but warn of it at every connection. */
function countable({ headers, body, write }: ClientTimeouts): ClientTimeouts {
  const countableMs = (ms: number) => Math.min(ms, LONGEST_TIMER_MS);
  return { headers: countableMs(headers), body: countableMs(body), write: countableMs(write) };
}

/** Node looks for heads that are late at intervals: short enough for the time that is set to mean something. */
function headTimeouts(ms: number): {
  readonly headersTimeout: number;
  readonly connectionsCheckingInterval: number;
} {
  return { headersTimeout: ms, connectionsCheckingInterval: Math.min(5_000, Math.ceil(ms / 4)) };
}
