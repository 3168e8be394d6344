import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Access, Caller } from '../policy/access.ts';
import { RepriseError } from '../shared/errors.ts';
import { answerHeaders, forwardHeaders } from '../upstream/headers.ts';
import { join } from '../upstream/target.ts';
import { admit, type Upstream } from '../upstream/upstream.ts';
import { surfacePath } from './classify.ts';
import { namesMember } from './header-names.ts';
import { rawHead, refuse } from './raw-answer.ts';
import { type Request, readHead } from './request.ts';
import { newRequestId } from './request-id.ts';
import { toldOf, tunnelTrace } from './traced-request.ts';
import type { CallEnd, TracingContext } from './tracing.ts';

/** What tunnels need to know of the installation. */
export interface TunnelContext extends TracingContext {
  /** By name, as they are also reachable under `/NAME/v1/`. */
  readonly upstreams: ReadonlyMap<string, Upstream>;
  /** The upstream for all other paths. */
  readonly fallback: Upstream;
  readonly access: Access;
}

/** Whether a request wants to become a WebSocket (RFC 6455 §4.1). What has a body is an ordinary request, whatever it wants. */
export function isWebSocket(incoming: IncomingMessage): boolean {
  // It is refused as an ordinary one.
  if (incoming.method !== 'GET' || namesMember(incoming)) return false;
  const { headersDistinct: headers } = incoming;
  return (
    headers.upgrade?.join().toLowerCase() === 'websocket' &&
    headers['content-length'] === undefined &&
    headers['transfer-encoding'] === undefined
  );
}

/**
 * Tunnels a WebSocket to the upstream: its request goes there like others do, and once the upstream has agreed the
 * bytes go both ways untouched, each side held back by the slower one. What the upstream answers instead is passed
 * on as it came. It needs no CORS headers: browsers show pages no answer to a handshake, and each upstream judges the
 * `origin` itself.
 */
export function openTunnel(context: TunnelContext, incoming: IncomingMessage, early: Buffer): void {
  const client = incoming.socket;
  client.unshift(early);
  const { clock, events } = context;
  const began = clock.elapsed();
  const requestId = newRequestId();
  const trace = tunnelTrace(context, incoming);
  let status = 0;
  let outcome = 'RELAY';
  client.on('error', () => client.destroy());
  client.on('close', () =>
    events.emit({
      kind: 'answered',
      endpoint: 'tunnel',
      type: undefined,
      method: incoming.method ?? 'GET',
      status,
      outcome,
      reason: undefined,
      level: undefined,
      key: undefined,
      ms: clock.elapsed() - began,
      requestId,
      traced: trace && toldOf(trace, incoming),
    }),
  );
  try {
    const way = wayOf(context, incoming);
    shakeHands({ ...way, request: { ...way.request, trace } }, client, { answered, failed });
  } catch (thrown) {
    if (!(thrown instanceof RepriseError)) throw thrown;
    failed(thrown);
  }

  function answered(code: number): void {
    status = code;
  }

  function failed(error: RepriseError): void {
    outcome = 'ERROR';
    if (status !== 0) return void client.destroy();
    status = error.status;
    refuse(client, error, requestId);
  }
}

/** Where a WebSocket leads. */
interface Way {
  readonly request: Request;
  readonly caller: Caller;
  readonly upstream: Upstream;
  readonly upstreamPath: string;
}

/** Throws a RepriseError for a request that leads nowhere. */
function wayOf({ upstreams, fallback, access }: TunnelContext, incoming: IncomingMessage): Way {
  // Node before 24.9 hands on every request with an `upgrade` header, without its body.
  if (!isWebSocket(incoming))
    throw new RepriseError('invalid_request', 'No protocol is upgraded to but WebSocket.', {
      param: 'upgrade',
    });
  const request = readHead(incoming);
  const caller = access.identify(request.header);
  const surface = surfacePath(upstreams, request.path);
  if (surface === undefined) {
    const shown = request.path.slice(0, 200);
    throw new RepriseError('not_found', `There is no WebSocket at ${shown}: they are tunnelled below /v1/.`);
  }
  caller.mayRelay(request.method, request.path);
  const upstream = surface.named ?? fallback;
  return { request, caller, upstream, upstreamPath: join(upstream.baseUrl, surface.path, request.query) };
}

/** Told what the upstream says to a handshake. */
interface Told {
  readonly answered: (status: number) => void;
  /** There is no answer, or it broke half-way. */
  readonly failed: (error: RepriseError) => void;
}

/** Asks the upstream, and writes its answer to `client`. Throws a RepriseError where it may not be asked now. */
function shakeHands({ request, caller, upstream, upstreamPath }: Way, client: Socket, told: Told): void {
  admit(upstream);
  const { method } = request;
  const traced = request.trace?.call({ upstream, method, path: upstreamPath });
  let answer: CallEnd = { status: undefined };
  const handle = upstream.client.send(
    {
      origin: upstream.origin,
      path: upstreamPath,
      method,
      headers: forwardHeaders(request.rawHeaders, {
        reads: false,
        credential: upstream.credential,
        trace: traced?.headers,
      }),
      body: null,
      upgrade: 'websocket',
    },
    {
      upgraded(headers, socket) {
        upstream.health.succeeded();
        answer = { status: 101 };
        told.answered(101);
        client.off('readable', peek).off('end', leave);
        const upgrade = [['connection', 'Upgrade'] as const, ['upgrade', 'websocket'] as const];
        client.write(rawHead(101, [...answerHeaders(headers), ...upgrade]));
        splice(client, socket);
      },
      head(status, headers) {
        upstream.health.answered(status);
        caller.answered(undefined, status);
        answer = { status };
        told.answered(status);
        client.write(rawHead(status, [...answerHeaders(headers), ['connection', 'close']]));
      },
      data(chunk) {
        // The chunk is a view on the socket's buffer and a slow client's write keeps it: copied before it is queued.
        if (!client.write(Buffer.from(chunk))) handle.pause();
      },
      end() {
        client.end(() => client.destroy());
      },
      error(error) {
        upstream.health.erred(error);
        answer = { ...answer, error: error.code };
        told.failed(error);
      },
    },
  );
  // Until it is answered nothing is read of the client: its end is seen only by who reads up to it.
  const peek = () => void (client.readableLength === 0 && client.read(0));
  const leave = () => void client.destroy();
  client.on('readable', peek).on('end', leave);
  client.on('drain', () => handle.resume());
  client.on('close', () => {
    handle.abort();
    traced?.over(answer);
  });
}

/** Joins two connections: what ends on one side ends on the other, and what breaks there breaks here. */
function splice(client: Duplex, upstream: Duplex): void {
  for (const [from, to] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    // Who has said all may have more to hear.
    from.allowHalfOpen = true;
    from.pipe(to);
    from.on('error', () => to.destroy());
    from.on('close', () => {
      if (!from.readableEnded || to.writableFinished) to.destroy();
      else to.once('finish', () => to.destroy());
    });
  }
}
