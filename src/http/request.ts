import type { IncomingMessage, ServerResponse } from 'node:http';
import { RepriseError } from '../shared/errors.ts';
import { Pieces } from '../shared/pieces.ts';
import type { Soon } from '../shared/soon.ts';
import type { Room } from './body-room.ts';
import { type EndToEnd, endToEnd } from './end-to-end.ts';
import { readTarget, type Target } from './target.ts';
import type { RequestTrace } from './tracing.ts';

/** Answers requests; never rejects. */
export type RequestListener = (incoming: IncomingMessage, response: ServerResponse) => Promise<void>;

/** A request as it came over the wire, but for its body. */
export interface Request extends Target, EndToEnd {
  /** Upper-case. */
  readonly method: string;
  /** Only where requests are traced. */
  readonly trace?: RequestTrace | undefined;
}

/** A request whose head is read, and whose body is not yet. */
export interface OpenRequest extends Request {
  /** The body's. */
  readonly stream: IncomingMessage;
}

/**
 * Reads a request's head. Throws `invalid_request` for a target that is not taken, and for headers that two servers could
 * read differently; `method_not_allowed` for TRACE, whose answer would repeat the caller's credential (RFC 9110 §9.3.8).
 */
export function readHead(incoming: IncomingMessage): OpenRequest {
  const { method = 'GET' } = incoming;
  const target = readTarget(incoming.url ?? '');
  if (method === 'TRACE') throw new RepriseError('method_not_allowed', 'TRACE is not taken here.');
  checkHost(incoming);
  checkFraming(incoming);
  return { ...target, method, ...endToEnd(incoming), stream: incoming };
}

/** How much of a request's body is read. */
export interface BodyBounds {
  /** Bytes. */
  readonly limit: number;
  /** Names the limit where it is not the one of most requests. */
  readonly bound?: string;
  /** What is to come takes room there, unless it is little. */
  readonly room?: Room;
}

/**
 * Reads a request's whole body: at once if it has come. Throws, or rejects with, `request_too_large` as soon as it is known to
 * exceed the limit, `overloaded` where there is no room for it, and `invalid_request` if the client stopped half-way.
 */
export function readBody(
  { header, stream }: Pick<OpenRequest, 'header' | 'stream'>,
  { limit, bound = MAX_BODY, room }: BodyBounds,
): Soon<Buffer> {
  // Gone before it was looked at: nothing more will be heard of it.
  if (stream.destroyed && !stream.readableEnded) throw cutShort(stream.errored);
  if (stream.complete && stream.readableFlowing === null) {
    const body = bufferedIn(stream);
    if (body.length > limit) throw bodyTooLarge(limit, bound);
    return body;
  }
  const declared = Number(header('content-length') ?? 0);
  if (declared > limit) throw bodyTooLarge(limit, bound);
  return new Promise((resolve, reject) => {
    const pieces = new Pieces();
    let size = 0;
    stream.on('data', (chunk: Buffer) => {
      size += chunk.length;
      try {
        if (size > limit) throw bodyTooLarge(limit, bound);
        room?.take(chunk.length);
        pieces.push(chunk);
      } catch (thrown) {
        stream.removeAllListeners('data');
        pieces.clear();
        reject(thrown);
      }
    });
    stream.on('end', () => resolve(pieces.take()));
    stream.on('error', (cause) => reject(cutShort(cause)));
    stream.on('close', () => {
      // Every request closes: an error made for each of them would be a thirtieth of a hit's cost (measured).
      if (!stream.readableEnded) reject(cutShort(undefined));
    });
  });
}

/** All bytes of a body that has come and nobody has read of. */
function bufferedIn(stream: IncomingMessage): Buffer {
  // Each read gives one piece. Most bodies are one.
  const first: Buffer = stream.read() ?? NOTHING;
  if (stream.readableLength === 0) return first;
  const pieces = new Pieces();
  for (let piece: Buffer | null = first; piece !== null; piece = stream.read()) pieces.push(piece);
  return pieces.take();
}

/** One Host, and one that is an authority without user information; HTTP/1.0 may leave it out (RFC 9110 §7.2). */
function checkHost({ headersDistinct, httpVersion }: IncomingMessage): void {
  const { host: hosts = [] } = headersDistinct;
  const [host] = hosts;
  if (host === undefined && httpVersion === '1.0') return;
  if (host !== undefined && hosts.length === 1 && HOST.test(host)) return;
  const said = hosts.length === 0 ? 'missing' : JSON.stringify(hosts.join(', ').slice(0, 120));
  throw new RepriseError('invalid_request', `host is ${said}: expected one host, with its port or without.`, {
    param: 'host',
  });
}

/**
 * No framing that the next server could take for another: HTTP/1.0 knows no chunks (RFC 9112 §6.1), and to servers that
 * speak CGI or WSGI `_` is `-`.
 */
function checkFraming({ headersDistinct, httpVersion }: IncomingMessage): void {
  const chunked = httpVersion === '1.0' && headersDistinct['transfer-encoding'] !== undefined;
  const name = chunked
    ? 'transfer-encoding'
    : DISGUISED.find((disguised) => headersDistinct[disguised] !== undefined);
  if (name === undefined) return;
  const message = `${name} is not taken ${chunked ? 'in HTTP/1.0' : 'here: some servers would read a hyphen for its "_"'}.`;
  throw new RepriseError('invalid_request', message, { param: name });
}

// RFC 3986 §3.2.2 and §3.2.3, without `,` and `;`, which a list of hosts could hide behind.
const HOST = /^(?:\[[0-9A-Fa-f:.]+\]|[\w.~!$&'()*+=%-]+)(?::\d*)?$/;
const NOTHING = Buffer.alloc(0);
const MAX_BODY = 'setting server.max_body';
const DISGUISED = ['content_length', 'transfer_encoding'];

/** The error for a body of more than `limit` bytes, before or after its content coding is taken off; `bound` names the limit. */
export function bodyTooLarge(limit: number, bound = MAX_BODY): RepriseError {
  return new RepriseError(
    'request_too_large',
    `The request body is larger than ${limit} bytes, the most that is read whole here (${bound}).`,
  );
}

function cutShort(cause: unknown): RepriseError {
  return new RepriseError('invalid_request', 'The request body ended before it was complete.', { cause });
}
