import type { IncomingMessage } from 'node:http';
import { RepriseError } from '../shared/errors.ts';
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
 * Reads a request's whole body. Throws `request_too_large` as soon as it is known to exceed `limit` bytes, which `bound`
 * names, and `invalid_request` if the client stopped half-way.
 */
export async function readBody(
  request: Pick<Request, 'header' | 'stream'>,
  limit: number,
  bound = 'setting server.max_body',
): Promise<Buffer> {
  const declared = Number(request.header('content-length') ?? 0);
  if (declared > limit) throw tooLarge(limit, bound);
  return await new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const { stream } = request;
    stream.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) {
        stream.removeAllListeners('data');
        reject(tooLarge(limit, bound));
      } else {
        chunks.push(chunk);
      }
    });
    stream.on('end', () => {
      const [only] = chunks;
      resolve(only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks, size));
    });
    stream.on('error', (cause) => reject(cutShort(cause)));
    stream.on('close', () => {
      // Every request closes: an error made for each of them would be a thirtieth of a hit's cost (measured).
      if (!stream.readableEnded) reject(cutShort(undefined));
    });
  });
}

function tooLarge(limit: number, bound: string): RepriseError {
  return new RepriseError(
    'request_too_large',
    `The request body is larger than ${limit} bytes, the most that is read whole here (${bound}).`,
  );
}

function cutShort(cause: unknown): RepriseError {
  return new RepriseError('invalid_request', 'The request body ended before it was complete.', { cause });
}
