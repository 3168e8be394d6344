import type { Header } from '../upstream/headers.ts';
import type { Request } from './request.ts';

/**
 * The headers that let a web page of another origin read an answer, by the CORS protocol
 * (https://fetch.spec.whatwg.org/#http-cors-protocol). `origins` are those that may; `*` is every one. None where nobody
 * may; for an `origin` that may not, no more than that the answer depends on who asks.
 *
 * A browser's own credentials (cookies) are never asked for: the SDKs send theirs in a header.
 */
export function corsHeaders(origins: readonly string[], origin: string | undefined): Header[] {
  if (origins.length === 0) return [];
  const everyone = origins.includes('*');
  const depends: Header[] = everyone ? [] : [['vary', 'origin']];
  if (origin === undefined || !(everyone || origins.includes(origin))) return depends;
  return [
    ...depends,
    ['access-control-allow-origin', everyone ? '*' : origin],
    ['access-control-expose-headers', EXPOSED],
  ];
}

/** Whether it is a browser's question whether it may send a request. */
export function isPreflight({ method, header }: Request): boolean {
  return (
    method === 'OPTIONS' &&
    header('origin') !== undefined &&
    header('access-control-request-method') !== undefined
  );
}

/** What the answer to a preflight says beside {@link corsHeaders}: that the page may send what it asks for. */
export function preflightHeaders({ header }: Request): Header[] {
  const asked = header('access-control-request-headers');
  const headers: Header[] = asked === undefined ? [] : [['access-control-allow-headers', asked]];
  return [...headers, ['access-control-allow-methods', METHODS], ['access-control-max-age', MAX_AGE_S]];
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
