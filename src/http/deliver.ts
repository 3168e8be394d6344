import type { ServerResponse } from 'node:http';
import type { RepriseError } from '../shared/errors.ts';
import type { Soon } from '../shared/soon.ts';
import { answerHeaders, type Header, replayable } from '../upstream/headers.ts';
import { answerWith, type Envelope } from './answer-headers.ts';
import type { Delivery } from './delivery.ts';
import { errorAnswer } from './errors.ts';
import { keptHeadOf } from './kept-heads.ts';
import { relay } from './relay.ts';
import { flushHeadSoon, writeHead } from './write-head.ts';

/**
 * Writes an answer: at once if it is whole, else resolves when it is through or the caller has gone. An answer that breaks
 * half-way destroys the connection: written to its end it would look complete.
 */
export function deliver(delivery: Delivery, response: ServerResponse, envelope: Envelope): Soon<void> {
  if (response.destroyed) {
    if (delivery.kind === 'follow') delivery.leave();
    return;
  }
  switch (delivery.kind) {
    case 'relay':
      return relay(delivery.relay, response, envelope.requestId);
    case 'whole':
      return deliverWhole(delivery, response, envelope);
    case 'follow':
      return follow(delivery, response, envelope);
  }
}

function deliverWhole(
  { rendering, head, report }: Extract<Delivery, { kind: 'whole' }>,
  response: ServerResponse,
  envelope: Envelope,
): Soon<void> {
  const kept = head === undefined ? keptHeadOf(rendering) : undefined;
  if (kept?.write(response, report, envelope)) return writeBody(rendering.body, response);
  const upstream =
    head === undefined ? [] : answerHeaders(head.headers).filter(([name]) => !OF_THE_BYTES.has(name));
  const headers = answerWith(upstream, rendering.headers, report, envelope);
  // RFC 9110 §15.4.5: with 304 it would be the length of what is not sent.
  if (rendering.status !== 304) headers.push('content-length', String(rendering.body.length));
  writeHead(response, rendering.status, headers);
  kept?.learnFrom(response, report, envelope);
  return writeBody(rendering.body, response);
}

function writeBody(body: Buffer, response: ServerResponse): Soon<void> {
  if (body.length > PIECE) return writeInPieces(body, response);
  response.end(body);
}

async function follow(
  delivery: Extract<Delivery, { kind: 'follow' }>,
  response: ServerResponse,
  envelope: Envelope,
): Promise<void> {
  const { head, cursor, view } = delivery;
  const shown = delivery.own
    ? answerHeaders(head.headers)
    : head.status === 200
      ? replayable(head.headers)
      : shared(head.headers);
  const length = head.headers.find(([name]) => name === 'content-length');
  const headers = answerWith(shown, [], delivery.report, envelope);
  // The bytes are the upstream's own, so its length holds; a view changes them, and a stream has none.
  if (view === undefined && length !== undefined) headers.push(...length);
  writeHead(response, head.status, headers);
  flushHeadSoon(response);
  try {
    for (;;) {
      const chunk = await cursor.next();
      if (chunk === 'end') break;
      const bytes = view === undefined ? chunk : view.push(chunk);
      if (bytes.length > 0 && !response.write(bytes)) await writable(response);
      if (response.destroyed) return;
    }
    response.end(view?.end());
  } catch {
    // The upstream broke; whoever waits for the fetch itself has been told why.
    response.destroy();
  } finally {
    delivery.leave();
  }
}

// What describes the upstream's own bytes (RFC 9110 §8, RFC 9530), which may have been a part of what is answered here:
// the rendering brings those that hold.
const OF_THE_BYTES: ReadonlySet<string> = new Set([
  'etag',
  'last-modified',
  'content-digest',
  'repr-digest',
  'digest',
  'content-md5',
  'content-language',
  'content-disposition',
  'content-location',
  'accept-ranges',
]);

/** Writes an error of ours, or destroys the connection if an answer has begun. */
export function deliverError(error: RepriseError, response: ServerResponse, requestId: string): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const { status, headers, body } = errorAnswer(error);
  writeHead(response, status, [...headers.flat(), 'x-request-id', requestId]);
  response.end(body);
}

/** The headers of an error that all who asked the same with one credential are shown: when to try again, and no more. */
function shared(headers: readonly Header[]): Header[] {
  const hints = headers.filter(([name]) => name.startsWith('retry-after') || name === 'x-should-retry');
  return [...replayable(headers), ...hints];
}

/** Writes a large body to its end: of one large write no progress is seen through TLS, and a slow client would be cut. */
async function writeInPieces(body: Buffer, response: ServerResponse): Promise<void> {
  let written = 0;
  for (; body.length - written > PIECE && !response.destroyed; written += PIECE) {
    if (!response.write(body.subarray(written, written + PIECE))) await writable(response);
  }
  response.end(body.subarray(written));
}

/** Bytes of a body that are written at once. */
export const PIECE = 256_000;

/** Resolves when `response` takes more bytes, or never will again. */
function writable(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    if (response.destroyed) return resolve();
    response.on('drain', done);
    response.on('close', done);
  });
}
