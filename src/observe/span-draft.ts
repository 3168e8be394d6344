import type { Answered, Called, Span, TracedRequest } from './events.ts';

/** A value of an attribute; one that is undefined is left out. */
type Value = string | number | readonly string[] | undefined;

/** A span as it is to be recorded, in OpenTelemetry's words. */
export interface SpanDraft {
  readonly span: Span;
  readonly kind: 'server' | 'client';
  readonly name: string;
  readonly attributes: Readonly<Record<string, Value>>;
  readonly isError: boolean;
  /** Calls of others that it waited for. */
  readonly links: readonly Span[];
  /** When it was over, in milliseconds since the epoch. */
  readonly at: number;
  /** How long it took, in milliseconds. */
  readonly ms: number;
}

/** What became of spans. */
export interface SpanCounts {
  exported: number;
  /** Those that the collector did not take. */
  failed: number;
  /** Those that found the queue full. */
  dropped: number;
}

/**
 * The span of a request, by OpenTelemetry's conventions for HTTP servers (semconv 1.45), and with what the cache did. What was asked and
 * answered is in none of it, nor is a query, and who asked only where a key's scope says it, as a hash.
 */
export function serverSpan(event: Answered, traced: TracedRequest): SpanDraft {
  const { method, outcome, status, parts, spared } = event;
  const { span, joined, scheme, host, path, route, at } = traced;
  const isOurs = outcome === 'ERROR';
  return {
    span,
    kind: 'server',
    name: route === undefined ? methodOf(method) : `${methodOf(method)} ${route}`,
    attributes: {
      ...requestMethod(method),
      'http.route': route,
      'http.response.status_code': status === 0 ? undefined : status,
      'url.scheme': scheme,
      'url.path': path,
      ...(host !== undefined && serverAddress(`${scheme}://${host}`)),
      'error.type': status >= 500 ? String(status) : undefined,
      'reprise.outcome': isOurs ? 'error' : outcome.toLowerCase(),
      'reprise.reason': event.reason,
      'reprise.level': event.level,
      'reprise.endpoint': event.endpoint,
      'reprise.type': event.type,
      'reprise.model': event.model,
      'reprise.namespace': event.namespace || undefined,
      'reprise.upstream': event.upstream,
      'reprise.key': event.key,
      'reprise.parts.hits': parts?.hits,
      'reprise.parts.total': parts?.total,
      'reprise.saved.input_tokens': spared?.usage?.promptTokens,
      'reprise.saved.output_tokens': spared?.usage?.completionTokens,
      'reprise.request_id': event.requestId,
    },
    isError: status >= 500,
    links: joined,
    at,
    ms: event.ms,
  };
}

/**
 * The span of a call to an upstream, by OpenTelemetry's conventions for HTTP clients and, where it is one, for calls to models
 * (semantic-conventions-genai, in development).
 */
export function clientSpan(event: Called): SpanDraft {
  const { span, method, origin, path, status, error, at, ms } = event;
  const operation = OPERATIONS.get(event.endpoint ?? '');
  const isError = error !== undefined || (status ?? 0) >= 400;
  return {
    span,
    kind: 'client',
    name: operation === undefined ? methodOf(method) : [operation, event.model].join(' ').trim(),
    attributes: {
      ...requestMethod(method),
      'http.response.status_code': status,
      'url.full': origin + path,
      ...serverAddress(origin),
      'error.type': isError ? (error ?? String(status)) : undefined,
      'reprise.upstream': event.upstream,
      ...(operation !== undefined && modelCall(event, operation)),
    },
    isError,
    links: [],
    at,
    ms,
  };
}

/** What endpoints do, in the words of the conventions; those for which they have none are HTTP calls like any other. */
const OPERATIONS: ReadonlyMap<string, string> = new Map([
  ['chat', 'chat'],
  ['responses', 'chat'],
  ['completions', 'text_completion'],
  ['embeddings', 'embeddings'],
  ['vector_store_search', 'retrieval'],
]);

function modelCall({ dialect, model, usage, finish }: Called, operation: string): SpanDraft['attributes'] {
  return {
    'gen_ai.operation.name': operation,
    'gen_ai.provider.name': PROVIDERS.get(dialect) ?? dialect,
    'gen_ai.request.model': operation === 'retrieval' ? undefined : model,
    'gen_ai.response.model': usage?.model,
    'gen_ai.response.finish_reasons': finish.length === 0 ? undefined : finish,
    'gen_ai.usage.input_tokens': usage?.promptTokens,
    'gen_ai.usage.output_tokens': operation === 'embeddings' ? undefined : usage?.completionTokens,
    'gen_ai.usage.cache_read.input_tokens': usage?.cachedTokens || undefined,
    'gen_ai.usage.cache_creation.input_tokens': usage?.cacheWriteTokens || undefined,
  };
}

/** Of a server that speaks as OpenAI does and is not known better the conventions say that it is OpenAI; `server.address` tells. */
const PROVIDERS: ReadonlyMap<string, string> = new Map([
  ['azure', 'azure.ai.openai'],
  ['generic', 'openai'],
]);

/** Other methods are named, but not in the names of spans: there could be any number. */
function methodOf(method: string): string {
  return METHODS.has(method) ? method : 'HTTP';
}

function requestMethod(method: string): SpanDraft['attributes'] {
  return METHODS.has(method)
    ? { 'http.request.method': method }
    : { 'http.request.method': '_OTHER', 'http.request.method_original': method };
}

// RFC 9110 §9.1, RFC 5789, and QUERY: those that the conventions name.
const METHODS: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'CONNECT',
  'OPTIONS',
  'TRACE',
  'PATCH',
  'QUERY',
]);

function serverAddress(origin: string): SpanDraft['attributes'] {
  const url = URL.parse(origin);
  if (url === null) return {};
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  return { 'server.address': url.hostname.replace(/^\[(.*)\]$/, '$1'), 'server.port': port };
}
