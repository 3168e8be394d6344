import { CREDENTIAL_HEADERS } from '../openai/credential-headers.ts';
import type { Dialect } from '../openai/dialect.ts';

/** A header by its lower-case name. */
export type Header = readonly [name: string, value: string];

/**
 * The request headers that may shape the answer, sorted by name; several lines of one name keep their order. OpenAI and
 * Azure document theirs; any other server may read any header that is not on the list of inert ones, cookies included.
 */
export function shapingHeaders(dialect: Dialect, headers: Iterable<Header>): Header[] {
  const shapes = dialect === 'openai' || dialect === 'azure' ? isDocumented : isNotInert;
  return [...headers].filter(([name]) => shapes(name)).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

function isDocumented(name: string): boolean {
  return DOCUMENTED.test(name) && isNotInert(name);
}

function isNotInert(name: string): boolean {
  return !INERT.has(name) && !INERT_PREFIX.test(name);
}

// `openai-beta` switches shapes, as others of this prefix may; Azure's `x-ms-*` name deployments and previews, its
// model inference API takes `extra-parameters` and `azureml-model-deployment`.
const DOCUMENTED = /^(?:openai-.+|x-ms-.+|extra-parameters|azureml-model-deployment)$/;

const INERT: ReadonlySet<string> = new Set([
  // Who asks: the scope.
  ...CREDENTIAL_HEADERS,
  // The connection, not the message (RFC 9110 §7.6.1).
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  // How the message is carried. A body is keyed without its coding, and only if it is JSON.
  'content-encoding',
  'content-length',
  'content-type',
  'date',
  'expect',
  'host',
  'max-forwards',
  // What the client can read. OpenAI's API is asked for a stream in the body, and not in a language; encodings are ours.
  'accept',
  'accept-charset',
  'accept-encoding',
  'accept-language',
  // What is asked of caches: `x-cache-*` has its own place in the key where it shapes anything.
  'cache-control',
  'pragma',
  // The program that asks, and the page it stands in.
  'user-agent',
  'x-ms-useragent',
  'x-ms-user-agent',
  'dnt',
  'from',
  'origin',
  'priority',
  'referer',
  'upgrade-insecure-requests',
  // Names of one request.
  'correlation-id',
  'idempotency-key',
  'request-id',
  'x-client-request-id',
  'x-correlation-id',
  'x-idempotency-key',
  'x-ms-client-request-id',
  'x-ms-return-client-request-id',
  'x-request-id',
  // Tracing.
  'b3',
  'baggage',
  'elastic-apm-traceparent',
  'newrelic',
  'sentry-trace',
  'traceparent',
  'tracestate',
  'uber-trace-id',
  'x-amzn-trace-id',
  'x-cloud-trace-context',
  // The way the request came.
  'cdn-loop',
  // Cloudflare's own; `cf-aig-*` instruct its AI gateway and do shape answers.
  'cf-connecting-ip',
  'cf-ipcountry',
  'cf-ray',
  'cf-visitor',
  'forwarded',
  // Not by their prefix: sign-in proxies put users and tokens into others (`x-forwarded-user`, `x-forwarded-access-token`).
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-prefix',
  'x-forwarded-proto',
  'x-forwarded-scheme',
  'x-forwarded-server',
  'x-forwarded-ssl',
  'x-envoy-attempt-count',
  'x-envoy-expected-rq-timeout-ms',
  'x-envoy-external-address',
  'true-client-ip',
  'via',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-real-ip',
  'x-request-start',
]);

// In this order: ours, the SDKs' telemetry, fetch metadata and client hints, tracing.
const INERT_PREFIX = /^(?:x-cache-|x-stainless-|x-fern-|sec-|x-b3-|x-datadog-)/;
