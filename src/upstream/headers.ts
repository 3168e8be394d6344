import { CREDENTIAL_HEADERS, withoutCredentials } from '../openai/credential-headers.ts';

/** A header, its name in lower case. */
export type Header = readonly [name: string, value: string];

/** How a call's headers are made of a client's. */
export interface Forwarding {
  /** Whether the answer is read here: it is then asked for without content coding. */
  readonly reads: boolean;
  /** The headers, flat, that stand in the place of all by which a client could say who asks; absent: its own. */
  readonly credential?: readonly string[] | undefined;
  /** The headers, flat, that stand in the place of the client's `traceparent` and `tracestate`; absent: its own. */
  readonly trace?: readonly string[] | undefined;
  /** Lower-case names of more headers that are not sent. */
  readonly without?: readonly string[];
}

/**
 * The request headers to send upstream, flat (name, value, …), from those a client sent (`raw`, likewise): without
 * hop-by-hop ones (RFC 9110 §7.6.1), those its `connection` names, those that describe this hop's message, and ours.
 */
export function forwardHeaders(
  raw: readonly string[],
  { reads, credential, trace, without = [] }: Forwarding,
): string[] {
  // Asked of sets that stand: one made for each call was most of what this took (measured).
  const named = namedByConnection(valuesOf(raw, 'connection'));
  const isDropped = (name: string) =>
    NOT_FORWARDED.has(name) ||
    (reads && CODINGS.has(name)) ||
    (trace !== undefined && TRACE_HEADERS.has(name)) ||
    (credential !== undefined && CREDENTIALS.has(name)) ||
    named.has(name) ||
    without.includes(name);
  const headers: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] ?? '';
    const lower = name.toLowerCase();
    if (isDropped(lower)) continue;
    const said = raw[at + 1] ?? '';
    const value =
      credential !== undefined && lower === 'sec-websocket-protocol' ? withoutCredentials(said) : said;
    if (value !== '' || said === '') headers.push(name, value);
  }
  if (reads) headers.push('accept-encoding', 'identity');
  if (trace !== undefined) headers.push(...trace);
  return credential === undefined ? headers : [...headers, ...credential];
}

/**
 * The headers of an upstream's answer that its own caller is shown: all but hop-by-hop ones, those its `connection`
 * names, CORS headers, which are ours to give, and those that speak of the upstream's host and not of ours.
 * `content-length` stays: it is for the writer to know whether it holds.
 */
export function answerHeaders(headers: readonly Header[]): Header[] {
  const named = namedByConnection(headers.flatMap(([name, value]) => (name === 'connection' ? [value] : [])));
  return headers.filter(
    ([name]) => !(NOT_SHOWN.has(name) || named.has(name) || name.startsWith('access-control-')),
  );
}

/** The lower-case names that the values of a message's `connection` headers list, but those that are for one hop anyway. */
export function namedByConnection(values: readonly string[]): ReadonlySet<string> {
  // `keep-alive`, as nearly all messages say, if anything.
  if (values.every((value) => HOP_BY_HOP.has(value))) return NO_NAMES;
  const names = values.flatMap((value) => value.split(',')).map((name) => name.trim().toLowerCase());
  return new Set(names.filter((name) => !HOP_BY_HOP.has(name)));
}

/**
 * The headers that are stored with an answer and shown to every caller it is replayed to: an allow-list, for a header
 * nobody thought of may say something of who asked first.
 */
export function replayable(headers: readonly Header[]): Header[] {
  return headers.filter(([name]) => REPLAYABLE.has(name));
}

/** The values of a header (lower-case name) in a flat list. */
function valuesOf(raw: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2)
    if (raw[at]?.toLowerCase() === name) values.push(raw[at + 1] ?? '');
  return values;
}

const NO_NAMES: ReadonlySet<string> = new Set();

// RFC 9110 §7.6.1, with what older proxies sent.
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

const TRACE_HEADERS: ReadonlySet<string> = new Set(['traceparent', 'tracestate']);

const CODINGS: ReadonlySet<string> = new Set(['accept-encoding', 'content-encoding']);

const CREDENTIALS: ReadonlySet<string> = new Set(CREDENTIAL_HEADERS);

const NOT_FORWARDED: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  // Made anew for the upstream's own connection and message.
  'host',
  'content-length',
  // Answered here: Node has sent 100 Continue by the time the request is seen.
  'expect',
  // What a caller asks of this cache is nobody else's business.
  'x-cache-ttl',
  'x-cache-namespace',
  'x-cache-tags',
  'x-cache-variant',
  'x-cache-identity',
  'x-cache-trace',
]);

// With what speaks of the upstream's host: RFC 7838 §3, RFC 6797 §6.1.
const NOT_SHOWN: ReadonlySet<string> = new Set([...HOP_BY_HOP, 'alt-svc', 'strict-transport-security']);

const REPLAYABLE: ReadonlySet<string> = new Set([
  'content-type',
  'content-language',
  'content-disposition',
  'etag',
  'last-modified',
  'openai-model',
  'openai-version',
]);
