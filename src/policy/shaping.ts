import type { Dialect } from '../openai/dialect.ts';

type Header = readonly [name: string, value: string];

/**
 * The request headers that are part of the key, sorted by name. OpenAI and Azure document which of theirs shape an
 * answer; of any other server nothing is known, so every header counts that is not known to be inert. Names in lower case.
 */
export function shapingHeaders(dialect: Dialect, headers: Iterable<Header>): Header[] {
  const shapes = dialect === 'openai' || dialect === 'azure' ? isDocumented : isNotInert;
  // Several lines of one name keep their order: sorting is stable, and by name alone.
  return [...headers]
    .filter(([name]) => shapes(name))
    .sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0));
}

// `openai-beta` changes shapes, `x-ms-*` (Azure) chooses resources and features.
function isDocumented(name: string): boolean {
  return (name.startsWith('openai-') || name.startsWith('x-ms-')) && !INERT.has(name);
}

function isNotInert(name: string): boolean {
  return !INERT.has(name) && !INERT_PREFIXES.some((prefix) => name.startsWith(prefix));
}

const INERT_PREFIXES: readonly string[] = [
  // The official SDKs' telemetry: language, version, retry count, timeout.
  'x-stainless-',
  // Fetch metadata and client hints of browsers.
  'sec-',
  // What this cache itself is asked.
  'x-cache-',
  // Proxies on the way, and what traces a request through them.
  'x-forwarded-',
  'x-b3-',
];

const INERT: ReadonlySet<string> = new Set([
  // Who asks: the scope has these.
  'authorization',
  'api-key',
  'x-api-key',
  'openai-organization',
  'openai-project',
  // The message and the connection: RFC 9110 §7.6.1, §8, §10.1.
  'host',
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'content-length',
  // JSON, or the request would not be keyed.
  'content-type',
  'expect',
  'date',
  // What the SDKs send the same for every call, and browsers for every page; streams are asked for in the body.
  'user-agent',
  'accept',
  'accept-encoding',
  'accept-language',
  'accept-charset',
  'cache-control',
  'pragma',
  'origin',
  'referer',
  'dnt',
  'priority',
  'from',
  // Names of one request.
  'x-request-id',
  'x-client-request-id',
  'x-correlation-id',
  'idempotency-key',
  'traceparent',
  'tracestate',
  'baggage',
  'sentry-trace',
  'b3',
  // Proxies on the way.
  'forwarded',
  'via',
  'x-real-ip',
  'true-client-ip',
  'cf-connecting-ip',
  'cf-ipcountry',
  'cf-ray',
  'cf-visitor',
  'x-amzn-trace-id',
  'x-cloud-trace-context',
]);
