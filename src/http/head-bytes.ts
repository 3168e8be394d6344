import type { IncomingMessage } from 'node:http';
import type { HeadedRequest } from './heads.ts';
import type { Request } from './request.ts';

/** A request by its head, which others have sent before. */
export type KnownRequest = Request & Pick<HeadedRequest, 'head'>;

/** Where a body stands behind its head. */
export interface BodyAt {
  readonly start: number;
  readonly end: number;
}

/**
 * A head as it came, through the empty line behind it, of a request that Node has read: whatever begins with the same bytes, but for
 * how long its body is said to be, is a request with the same head.
 */
export class HeadBytes {
  readonly request: KnownRequest;
  readonly #bytes: Buffer;
  /** Where the digits of `content-length` begin and end. */
  readonly #from: number;
  readonly #to: number;

  private constructor(request: KnownRequest, bytes: Buffer, from: number, to: number) {
    this.request = request;
    this.#bytes = bytes;
    this.#from = from;
    this.#to = to;
  }

  /**
   * Of a request whose head is `bytes`; undefined for one that is not to be known again: its framing is not plain, it wants something
   * beside an answer, or it is too long to be kept for a connection.
   */
  static of({ stream, ...request }: HeadedRequest, bytes: Buffer): HeadBytes | undefined {
    if (request.head.seed === undefined || bytes.length > MOST_BYTES || !isPlain(stream)) return undefined;
    const said = /\r\ncontent-length: *(\d{1,9})\r\n/i.exec(bytes.toString('latin1'));
    const [line = '', digits = ''] = said ?? [];
    if (said === null || Number(digits) !== Number(stream.headers['content-length'])) return undefined;
    const to = said.index + line.length - 2;
    return new HeadBytes(request, Buffer.from(bytes), to - digits.length, to);
  }

  /** Where the body of a request stands that begins with this head, in bytes that begin with it; undefined if they do not. */
  bodyIn(bytes: Buffer): BodyAt | undefined {
    const head = this.#bytes;
    const from = this.#from;
    if (bytes.length < from || bytes.compare(head, 0, from, 0, from) !== 0) return undefined;
    let length = 0;
    let at = from;
    for (; at < from + MOST_DIGITS; at += 1) {
      const digit = (bytes[at] ?? 0) - ZERO;
      if (!(digit >= 0 && digit <= 9)) break;
      length = 10 * length + digit;
    }
    const start = at + head.length - this.#to;
    if (at === from || start > bytes.length) return undefined;
    if (bytes.compare(head, this.#to, head.length, at, start) !== 0) return undefined;
    return { start, end: start + length };
  }
}

/** What clients send is half a KB, and each connection keeps its own. */
const MOST_BYTES = 4_096;
const MOST_DIGITS = 9;
const ZERO = 0x30;

/** Whether it is a request of HTTP/1.1 with a body of a length that is said, on a connection that goes on, and no more than that. */
function isPlain({ method, httpVersion, rawHeaders }: IncomingMessage): boolean {
  if (method !== 'POST' || httpVersion !== '1.1') return false;
  let lengths = 0;
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? '').toLowerCase();
    if (name === 'content-length') lengths += 1;
    else if (name === 'connection' && rawHeaders[at + 1]?.toLowerCase() !== 'keep-alive') return false;
    else if (MORE_THAN_ASKED.has(name)) return false;
  }
  return lengths === 1;
}

const MORE_THAN_ASKED: ReadonlySet<string> = new Set([
  'expect',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
