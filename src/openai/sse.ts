import { isUtf8 } from 'node:buffer';
import { Pieces } from '../shared/pieces.ts';

/** What an event says. */
export interface NamedEvent {
  /** The event's type; undefined where the stream names none. */
  readonly event: string | undefined;
  /** The `data` lines, joined by line feeds. */
  readonly data: string;
}

/** One event as it was read from a stream. */
export interface SseEvent extends NamedEvent {
  /** False where the data was not UTF-8: `data` then has U+FFFD in its place and cannot give back the bytes. */
  readonly intact: boolean;
  /** How many bytes of the stream had been read when the event was complete. */
  readonly end: number;
}

/**
 * Reads an event stream as its bytes arrive, in time linear in their number, by the rules of
 * https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation: LF, CR and CRLF in any mix,
 * cut anywhere. `id` and `retry` are of no use to a cache and dropped. Of a chunk it keeps only copies.
 */
export class SseParser {
  readonly #maxEventBytes: number;
  #consumed = 0;
  #isFirstLine = true;
  #endedInCr = false;
  readonly #line = new Pieces();
  #event = '';
  #data: string[] = [];
  #intact = true;
  /** Bytes of the event under way. */
  #held = 0;

  /** `maxEventBytes` bounds the bytes of one event; a larger one ends the reading. */
  constructor(maxEventBytes: number) {
    this.#maxEventBytes = maxEventBytes;
  }

  /** Whether an event was larger than allowed; nothing more is read then. */
  get overflowed(): boolean {
    return this.#held > this.#maxEventBytes;
  }

  /** Whether no part of a further event has been read yet; comments are no part of one. */
  get isBetweenEvents(): boolean {
    return this.#held === 0;
  }

  /** The events that the next bytes complete. */
  push(chunk: Buffer): SseEvent[] {
    const events: SseEvent[] = [];
    if (this.overflowed) return events;
    let from = this.#endedInCr && chunk[0] === LF ? 1 : 0;
    if (chunk.length > 0) this.#endedInCr = chunk.at(-1) === CR;
    for (const { end, next } of lineEnds(chunk, from)) {
      const event = this.#takeLine(chunk.subarray(from, end), this.#consumed + next);
      if (this.overflowed) return events;
      if (event !== undefined) events.push(event);
      from = next;
    }
    this.#consumed += chunk.length;
    this.#keep(chunk.subarray(from));
    return events;
  }

  /**
   * The event that the end of the stream leaves without its blank line. A browser drops it; servers that forget the last
   * line feeds exist, so the caller judges by its content whether it is whole.
   */
  end(): SseEvent | undefined {
    if (this.overflowed) return undefined;
    if (!this.#line.empty) this.#takeLine(NOTHING, this.#consumed);
    return this.#dispatch(this.#consumed);
  }

  #keep(start: Buffer): void {
    if (start.length === 0) return;
    this.#held += start.length;
    if (this.overflowed) this.#line.clear();
    else this.#line.push(Buffer.from(start));
  }

  #takeLine(rest: Buffer, end: number): SseEvent | undefined {
    this.#held += rest.length;
    this.#line.push(rest);
    const bytes = this.#line.take();
    let line = bytes.toString('utf8');
    if (this.#isFirstLine && line.startsWith(BYTE_ORDER_MARK)) line = line.slice(1);
    this.#isFirstLine = false;
    if (line === '') return this.#dispatch(end);
    if (!isUtf8(bytes)) this.#intact = false;
    this.#takeField(line);
    if (this.#data.length === 0 && this.#event === '') this.#held = 0;
    return undefined;
  }

  #takeField(line: string): void {
    const colon = line.indexOf(':');
    const name = colon === -1 ? line : line.slice(0, colon);
    if (name !== 'data' && name !== 'event') return;
    const start = line[colon + 1] === ' ' ? colon + 2 : colon + 1;
    const value = colon === -1 ? '' : line.slice(start);
    if (name === 'data') this.#data.push(value);
    else this.#event = value;
  }

  #dispatch(end: number): SseEvent | undefined {
    const event = { event: this.#event || undefined, data: this.#data.join('\n'), intact: this.#intact, end };
    const hasData = this.#data.length > 0;
    this.#event = '';
    this.#data = [];
    this.#intact = true;
    this.#held = 0;
    return hasData ? event : undefined;
  }
}

/** All events of a stream that is known to be whole and in good order, such as a stored one. */
export function readEvents(stream: Buffer): SseEvent[] {
  return new SseParser(stream.length).push(stream);
}

/** The data of the event that ends a chat or completions stream. */
export const DONE = '[DONE]';

/** An event as it goes over the wire. Line ends within `data`, which JSON has between tokens only, become several lines. */
export function formatEvent({ event, data }: NamedEvent): string {
  const lines = `data: ${data.replaceAll(/\r\n?|\n/g, '\ndata: ')}\n\n`;
  return event === undefined ? lines : `event: ${event}\n${lines}`;
}

/** Whether an answer with these headers (lower-case names) is an event stream, whatever its media type's parameters. */
export function isEventStream(headers: readonly (readonly [name: string, value: string])[]): boolean {
  const type = headers.find(([name]) => name === 'content-type')?.[1];
  return type?.split(';', 1)[0]?.trim().toLowerCase() === 'text/event-stream';
}

const LF = 0x0a;
const CR = 0x0d;
const BYTE_ORDER_MARK = '\ufeff';
const NOTHING = Buffer.alloc(0);

/**
 * Where each line of `chunk` from `from` on ends and where the next begins. A search for either byte is done again only
 * once its last find has been passed, so a stream without CR is not searched for one at every line.
 */
function* lineEnds(chunk: Buffer, from: number): Generator<{ end: number; next: number }> {
  const seek = (byte: number, start: number): number => {
    const at = chunk.indexOf(byte, start);
    return at === -1 ? Number.POSITIVE_INFINITY : at;
  };
  let lf = seek(LF, from);
  let cr = seek(CR, from);
  for (let end = Math.min(lf, cr); end < chunk.length; end = Math.min(lf, cr)) {
    const next = cr + 1 === lf ? lf + 1 : end + 1;
    yield { end, next };
    if (lf < next) lf = seek(LF, next);
    if (cr < next) cr = seek(CR, next);
  }
}
