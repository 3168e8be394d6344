import type { IncomingMessage } from 'node:http';
import type { TracedRequest } from '../observe/events.ts';
import { formatPattern } from '../shared/path-pattern.ts';
import type { HeadedRequest } from './heads.ts';
import { RequestTrace, type TracingContext } from './tracing.ts';

/** The request with a trace of its own, where requests are traced. */
export function traced(context: TracingContext, request: HeadedRequest): HeadedRequest {
  const { sample } = context;
  if (sample === undefined) return request;
  const binding = request.head.place.found?.binding;
  const endpoint = binding === undefined || binding.route ? undefined : binding.endpoint.name;
  return { ...request, trace: new RequestTrace(context, sample, request.header, endpoint) };
}

/** The trace of a handshake for a WebSocket, where requests are traced. */
export function tunnelTrace(
  context: TracingContext,
  { headersDistinct }: IncomingMessage,
): RequestTrace | undefined {
  const { sample } = context;
  const header = (name: string) => headersDistinct[name]?.join(', ');
  return sample && new RequestTrace(context, sample, header, undefined);
}

/** What only traces tell of a request; undefined for one that has none. */
export function toldOfTrace({ trace, stream, head }: HeadedRequest): TracedRequest | undefined {
  if (trace === undefined) return undefined;
  const { found, surface } = head.place;
  const before = surface?.named === undefined ? '' : `/${surface.named.name}`;
  return toldOf(trace, stream, found && before + formatPattern(found.binding.pattern));
}

/** The same of a handshake. */
export function toldOf(
  trace: RequestTrace,
  { socket, headers, url = '' }: IncomingMessage,
  route?: string,
): TracedRequest {
  const { span, joined } = trace;
  const scheme = 'encrypted' in socket ? 'https' : 'http';
  return {
    span,
    joined,
    scheme,
    host: headers.host,
    path: url.replace(/\?.*$/s, ''),
    route,
    at: trace.now(),
  };
}
