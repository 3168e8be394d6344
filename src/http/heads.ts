import { hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { LRUCache } from 'lru-cache';
import type { HeaderOf } from '../policy/access.ts';
import type { Place } from './classify.ts';
import { type OpenRequest, readHead } from './request.ts';

/** What a request's head comes to, but for the headers that are of one request alone. */
export interface Head {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  /** Where it leads. */
  readonly place: Place;
  /** A header by its lower-case name; none of those that are {@link OF_ONE_REQUEST}. */
  readonly header: HeaderOf;
  /** Spreads what is kept by head; undefined for one that is not kept, and is another each time. */
  readonly seed: number | undefined;
}

/** What tells heads apart. */
type AsItCame = Pick<IncomingMessage, 'method' | 'url' | 'httpVersion' | 'rawHeaders'>;

/** The last head on a connection. */
interface Known {
  readonly head: Head;
  /** How it came. */
  readonly like: AsItCame;
}

/** A request of the data plane, its head read and its body not yet. */
export interface HeadedRequest extends OpenRequest {
  readonly head: Head;
}

/**
 * The heads that came lately. A client sends the same one again and again but for a few headers; it is then not read anew. They
 * are told apart by all their bytes.
 */
export class Heads {
  readonly #heads: LRUCache<string, Head> | undefined;
  /** The last on each connection: as a rule the next one's, too. */
  readonly #last = new WeakMap<Socket, Known>();
  readonly #placeOf: (method: string, path: string) => Place;

  /** Keeps no more than `maxBytes` of them; with 0 it keeps none, which changes nothing but the speed. */
  constructor(maxBytes: number, placeOf: (method: string, path: string) => Place) {
    this.#heads = maxBytes === 0 ? undefined : new LRUCache({ maxSize: maxBytes, sizeCalculation: charge });
    this.#placeOf = placeOf;
  }

  /** Reads a request's head. Throws what {@link readHead} throws. */
  read(incoming: IncomingMessage): HeadedRequest {
    if (this.#heads === undefined) return this.#readAnew(incoming);
    const { socket, rawHeaders } = incoming;
    let known = this.#last.get(socket);
    if (known === undefined || !isSame(known.like, incoming)) {
      const text = textOf(incoming);
      const { method, url, httpVersion } = incoming;
      const like = { method, url, httpVersion, rawHeaders };
      const head = this.#heads.get(text);
      if (head === undefined) {
        const request = this.#readAnew(incoming);
        // What `connection` names is not there for us, and may be of one request.
        if (request.rawHeaders !== rawHeaders) return request;
        known = { head: lasting(request.head, incoming, text), like };
        this.#heads.set(text, known.head);
      } else {
        // In the lines of this connection's client, which may have more of one request than another's.
        known = { head, like };
      }
      this.#last.set(socket, known);
    }
    const { head } = known;
    const header = (name: string) =>
      OF_ONE_REQUEST.has(name) ? valueIn(rawHeaders, name) : head.header(name);
    return {
      method: head.method,
      path: head.path,
      query: head.query,
      header,
      rawHeaders,
      stream: incoming,
      head,
    };
  }

  #readAnew(incoming: IncomingMessage): HeadedRequest {
    const request = readHead(incoming);
    const { method, path, query, header } = request;
    return {
      ...request,
      head: { method, path, query, header, place: this.#placeOf(method, path), seed: undefined },
    };
  }
}

/**
 * The headers that are others in each request, by their lower-case names: tracing, names of requests, and the length of the body,
 * which is compared itself. None of them shapes a key, and a tag only where a profile says so.
 */
export const OF_ONE_REQUEST: ReadonlySet<string> = new Set([
  'content-length',
  'traceparent',
  'tracestate',
  'baggage',
  'b3',
  'x-b3-traceid',
  'x-b3-spanid',
  'x-b3-parentspanid',
  'x-datadog-trace-id',
  'x-datadog-parent-id',
  'x-datadog-tags',
  'sentry-trace',
  'newrelic',
  'uber-trace-id',
  'x-amzn-trace-id',
  'x-cloud-trace-context',
  'request-id',
  'x-request-id',
  'x-client-request-id',
  'x-ms-client-request-id',
  'correlation-id',
  'x-correlation-id',
  'idempotency-key',
  'x-idempotency-key',
  'x-request-start',
  'x-cache-trace',
]);

/** A head as text that no other head has, but for what is of one request. */
function textOf({ method, url, httpVersion, rawHeaders }: AsItCame): string {
  // Neither names nor values nor targets can hold a line feed.
  let text = `${httpVersion} ${method} ${url}`;
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    if (!OF_ONE_REQUEST.has(name.toLowerCase())) text += `\n${name}\n${rawHeaders[at + 1]}`;
  }
  return text;
}

/** Whether two heads have one text: found without making it where they are the same line by line. */
function isSame(one: AsItCame, other: AsItCame): boolean {
  const { rawHeaders: lines } = other;
  if (one.rawHeaders.length !== lines.length || one.url !== other.url || one.method !== other.method)
    return false;
  if (one.httpVersion !== other.httpVersion) return false;
  for (let at = 0; at < lines.length; at += 2) {
    if (one.rawHeaders[at] !== lines[at]) return false;
    if (one.rawHeaders[at + 1] !== lines[at + 1] && !OF_ONE_REQUEST.has((lines[at] ?? '').toLowerCase()))
      return false;
  }
  return true;
}

/** The value of a header, by its lower-case name, in name, value, name, value … */
function valueIn(rawHeaders: readonly string[], name: string): string | undefined {
  let joined: string | undefined;
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const said = rawHeaders[at] ?? '';
    if (said.length !== name.length || said.toLowerCase() !== name) continue;
    joined = joined === undefined ? rawHeaders[at + 1] : `${joined}, ${rawHeaders[at + 1]}`;
  }
  return joined;
}

/** The head without anything that would keep its request alive. */
function lasting(
  { method, path, query, place }: Head,
  { headersDistinct }: IncomingMessage,
  text: string,
): Head {
  const headers = new Map<string, string>();
  for (const [name, lines] of Object.entries(headersDistinct)) {
    if (lines !== undefined && !OF_ONE_REQUEST.has(name)) headers.set(name, lines.join(', '));
  }
  const seed = Number.parseInt(hash('sha256', text, 'hex').slice(0, 8), 16);
  return { method, path, query, place, header: (name) => headers.get(name), seed };
}

/**
 * The text is kept thrice: as it is, as the headers it is made of, and as what these say (`of-head.ts`); and at a time by a
 * connection, in the lines it came in.
 */
function charge(_head: Head, text: string): number {
  return 4 * text.length + 5_000;
}
