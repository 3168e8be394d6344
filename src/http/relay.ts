import type { ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import { answerHeaders, forwardHeaders } from '../upstream/headers.ts';
import { admit } from '../upstream/upstream.ts';
import type { Relay } from './call.ts';
import { reportHeaders, withoutCacheWords } from './report.ts';

/**
 * Forwards a request and streams its answer back, bytes untouched, each side held back by the slower one. Resolves with
 * the upstream's status when the answer is through or the client has gone. Throws a RepriseError if there is no answer;
 * an answer that breaks half-way destroys the client's connection, so that it cannot be taken for a complete one.
 */
export function relay(work: Relay, response: ServerResponse, requestId: string): Promise<number> {
  const { upstream, request } = work;
  admit(upstream);
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  let status = 0;
  const handle = upstream.client.send(
    {
      origin: upstream.origin,
      path: work.upstreamPath,
      method: request.method,
      ...messageOf(work),
    },
    {
      head(code, headers) {
        status = code;
        if (code >= 500) upstream.health.failed();
        else upstream.health.succeeded();
        response.writeHead(code, relayedHeaders(work, code, answerHeaders(headers), requestId));
        response.flushHeaders();
      },
      data(chunk) {
        // The chunk is a view on the socket's buffer and a slow client's write keeps it: copied before it is queued.
        if (!response.write(Buffer.from(chunk))) handle.pause();
      },
      end() {
        response.end();
        resolve(status);
      },
      error(error) {
        if (status < 500) upstream.health.erred(error);
        if (response.headersSent) {
          response.destroy();
          resolve(status);
        } else {
          reject(error);
        }
      },
    },
  );
  response.on('drain', () => handle.resume());
  response.on('close', () => {
    if (response.writableFinished) return;
    handle.abort();
    resolve(status);
  });
  return promise;
}

/** What is sent upstream: the client's headers, and its body as it was read or as it still comes. */
function messageOf({ request, body }: Relay): { headers: string[]; body: Buffer | PassThrough | null } {
  const headers = forwardHeaders(request.rawHeaders, false);
  if (body !== undefined) return { headers, body: body.length > 0 ? body : null };
  const length = request.header('content-length');
  if (request.header('transfer-encoding') === undefined && Number(length ?? 0) === 0)
    return { headers, body: null };
  if (length !== undefined) headers.push('content-length', length);
  // Not the request itself: an upstream that answers before it has read all would have it destroyed, and the client's
  // connection with it, before the client has read that answer.
  return { headers, body: request.stream.pipe(new PassThrough()) };
}

function relayedHeaders(
  work: Relay,
  status: number,
  headers: readonly (readonly [name: string, value: string])[],
  requestId: string,
): string[] {
  if (work.reason === undefined) return headers.flat();
  const isPrivate = work.uncacheableDownstream;
  const flat = withoutCacheWords(headers)
    .filter(([name]) => !isPrivate || name !== 'cache-control')
    .flat();
  if (isPrivate) flat.push('cache-control', 'private, no-cache');
  for (const header of reportHeaders({ outcome: 'BYPASS', reason: work.reason, fwdStatus: status })) {
    flat.push(...header);
  }
  if (!headers.some(([name]) => name === 'x-request-id')) flat.push('x-request-id', requestId);
  return flat;
}
