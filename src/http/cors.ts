import type { Request } from './request.ts';

type Header = readonly [name: string, value: string];

/**
 * The headers that let a web page of another origin read an answer to `request`, by the CORS protocol
 * (https://fetch.spec.whatwg.org/#http-cors-protocol); of a preflight those that let it send the request. `origins` are
 * those that may; `*` is every one. None where nobody may; where it is not this origin's turn no more than that the
 * answer depends on who asks.
 *
 * Credentials of the browser's own (cookies) are never asked for: the SDKs send theirs in a header.
 */
export function corsHeaders(
  origins: readonly string[],
  request: Pick<Request, 'method' | 'header'>,
): Header[] {
  if (origins.length === 0) return [];
  const origin = request.header('origin');
  const everyone = origins.includes('*');
  const headers: Header[] = everyone ? [] : [['vary', 'origin']];
  if (origin === undefined || !(everyone || origins.includes(origin))) return headers;
  headers.push(['access-control-allow-origin', everyone ? '*' : origin]);
  if (!isPreflight(request)) return [...headers, ['access-control-expose-headers', EXPOSED]];
  const asked = request.header('access-control-request-headers');
  if (asked !== undefined) headers.push(['access-control-allow-headers', asked]);
  return [...headers, ['access-control-allow-methods', METHODS], ['access-control-max-age', MAX_AGE_S]];
}

/** Whether it is a browser's question whether it may send a request. */
export function isPreflight({ method, header }: Pick<Request, 'method' | 'header'>): boolean {
  return (
    method === 'OPTIONS' &&
    header('origin') !== undefined &&
    header('access-control-request-method') !== undefined
  );
}

const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE';

// The most that Chromium keeps one for.
const MAX_AGE_S = '7200';

// Ours, and what the SDKs read to know whether and when to try again.
const EXPOSED = [
  'x-cache',
  'x-cache-level',
  'x-cache-key',
  'x-cache-reason',
  'x-cache-parts',
  'age',
  'cache-status',
  'x-request-id',
  'retry-after',
  'retry-after-ms',
  'x-should-retry',
].join(', ');
