import type { ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import type { CallHandle, Sink } from '../upstream/client.ts';
import { answerHeaders, forwardHeaders } from '../upstream/headers.ts';
import { admit } from '../upstream/upstream.ts';
import { answerWith } from './answer-headers.ts';
import type { Relay } from './call.ts';
import type { TracedCall } from './tracing.ts';
import { flushHeadSoon, writeHead } from './write-head.ts';

/**
 * Forwards a request and streams its answer back, bytes untouched, each side held back by the slower one. Resolves when
 * the answer is through or the client has gone. Throws, or rejects with, a RepriseError if there is no answer;
 * an answer that breaks half-way destroys the client's connection, so that it cannot be taken for a complete one. The
 * client is told nothing of an answer before `answered`, called when its head has come, has resolved.
 */
export function relay(
  work: Relay,
  response: ServerResponse,
  requestId: string,
  answered?: () => Promise<void>,
): Promise<void> {
  const { upstream, request } = work;
  admit(upstream);
  const { method } = request;
  const traced = request.trace?.call({ upstream, method, path: work.upstreamPath });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let status = 0;
  const sink: Sink = {
    head(code, headers) {
      status = code;
      upstream.health.answered(code);
      work.caller.answered(undefined, code);
      writeHead(response, code, relayedHeaders(work, code, answerHeaders(headers), requestId));
      flushHeadSoon(response);
    },
    data(chunk) {
      // The chunk is a view on the socket's buffer and a slow client's write keeps it: copied before it is queued.
      if (!response.write(Buffer.from(chunk))) handle.pause();
    },
    end() {
      response.end();
      traced?.over({ status });
      resolve();
    },
    error(error) {
      if (status < 500) upstream.health.erred(error);
      traced?.over({ status: status || undefined, error: error.code });
      if (response.headersSent) {
        response.destroy();
        resolve();
      } else {
        reject(error);
      }
    },
  };
  const handle: CallHandle = upstream.client.send(
    {
      origin: upstream.origin,
      path: work.upstreamPath,
      method,
      ...sentFor(work, traced),
    },
    answered === undefined ? sink : heldBack(sink, answered, () => (response.destroyed ? undefined : handle)),
  );
  response.on('drain', () => handle.resume());
  const gone = () => {
    if (response.writableFinished) return;
    handle.abort();
    traced?.over({ status: status || undefined, error: CLIENT_GONE });
    resolve();
  };
  response.on('close', gone);
  if (response.destroyed) gone();
  return promise;
}

// As nginx calls it: nobody waits for the answer any more.
const CLIENT_GONE = 'client_closed_request';

/**
 * A sink that is told nothing of an answer before `ready`, called when its head has come, has resolved. Meanwhile the upstream is held
 * back. `call` is the call under way; undefined when nobody waits for it any more.
 */
function heldBack(sink: Sink, ready: () => Promise<void>, call: () => CallHandle | undefined): Sink {
  let held: (() => void)[] | undefined;
  const tell = (event: () => void) => {
    if (held === undefined) event();
    else held.push(event);
  };
  return {
    head(status, headers) {
      const events = [() => sink.head(status, headers)];
      held = events;
      call()?.pause();
      void ready().then(() => {
        const handle = call();
        if (handle === undefined) return;
        handle.resume();
        // What comes of that at once stands behind what has come before.
        for (const event of events) event();
        held = undefined;
      });
    },
    data(chunk) {
      const copy = Buffer.from(chunk);
      tell(() => sink.data(copy));
    },
    end: () => tell(() => sink.end()),
    error: (error) => tell(() => sink.error(error)),
  };
}

/** What is sent upstream: the client's headers, and its body as it was read or as it still comes. */
function sentFor(
  { request, body, isPlain, upstream }: Relay,
  traced: TracedCall | undefined,
): {
  headers: string[];
  body: Buffer | PassThrough | null;
} {
  const headers = forwardHeaders(request.rawHeaders, {
    reads: false,
    credential: upstream.credential,
    trace: traced?.headers,
    ...(isPlain && { without: ['content-encoding'] }),
  });
  if (Buffer.isBuffer(body)) return { headers, body: body.length > 0 ? body : null };
  const length = request.header('content-length');
  if (request.header('transfer-encoding') === undefined && Number(length ?? 0) === 0)
    return { headers, body: null };
  if (length !== undefined) headers.push('content-length', length);
  // Not the request itself: an upstream that answers before it has read all would have it destroyed, and the client's
  // connection with it, before the client has read that answer.
  return { headers, body: body.pipe(new PassThrough()) };
}

/** The upstream's headers; of a cacheable endpoint with what the cache did, which is nothing. The bytes stay as they are. */
function relayedHeaders(
  { reason, uncacheableDownstream }: Relay,
  status: number,
  headers: readonly (readonly [name: string, value: string])[],
  requestId: string,
): string[] {
  if (reason === undefined) return headers.flat();
  const report = { outcome: 'BYPASS', reason, fwdStatus: status } as const;
  const length = headers.filter(([name]) => name === 'content-length');
  return [...answerWith(headers, [], report, { requestId, uncacheableDownstream }), ...length.flat()];
}
