import type { IncomingMessage } from 'node:http';
import { RepriseError } from '../shared/errors.ts';
import { Pieces } from '../shared/pieces.ts';
import { readTarget, type Target } from './target.ts';

/** A request as it came over the wire, its head read and its body not yet. */
export interface Request extends Target {
  /** Upper-case. */
  readonly method: string;
  /** A header by its lower-case name; several lines joined by `, ` (RFC 9110 §5.3). */
  readonly header: (name: string) => string | undefined;
  /** Name, value, name, value … as sent. */
  readonly rawHeaders: readonly string[];
  /** The body's stream, for what is passed through. */
  readonly stream: IncomingMessage;
}

/** Reads a request's head. Throws `invalid_request` for a target that is not taken. */
export function readHead(incoming: IncomingMessage): Request {
  const { headersDistinct } = incoming;
  return {
    ...readTarget(incoming.url ?? ''),
    method: incoming.method ?? 'GET',
    header: (name) => headersDistinct[name]?.join(', '),
    rawHeaders: incoming.rawHeaders,
    stream: incoming,
  };
}

/**
 * Reads a request's whole body. Throws `request_too_large` as soon as it is known to exceed `limit` bytes, and
 * `invalid_request` if the client stopped half-way.
 */
export async function readBody(request: Request, limit: number): Promise<Buffer> {
  const declared = Number(request.header('content-length') ?? 0);
  if (declared > limit) throw tooLarge(limit);
  return await new Promise((resolve, reject) => {
    const pieces = new Pieces();
    let size = 0;
    const { stream } = request;
    stream.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) {
        stream.removeAllListeners('data');
        reject(tooLarge(limit));
      } else {
        pieces.push(chunk);
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

function tooLarge(limit: number): RepriseError {
  return new RepriseError(
    'request_too_large',
    `The request body is larger than ${limit} bytes, the most that is read whole here (setting server.max_body).`,
  );
}

function cutShort(cause: unknown): RepriseError {
  return new RepriseError('invalid_request', 'The request body ended before it was complete.', { cause });
}
