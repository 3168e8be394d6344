import { Pieces } from '../shared/pieces.ts';
import { formatEvent, type SseEvent, SseParser } from './sse.ts';

/** What one caller gets of an event's data: all of it, something else, or undefined where it does not get the event. */
export type EventEdit = (data: string) => string | undefined;

/**
 * A running stream as one caller gets it, where some of its events are not for it as they are. All other bytes pass as they
 * came, an event as soon as its last byte is there.
 */
export class EventView {
  readonly #edit: EventEdit;
  readonly #parser: SseParser;
  /** The bytes of the event under way: of the stream those from `#passed` on. */
  readonly #waiting = new Pieces();
  #passed = 0;

  /** An event of more than `maxEventBytes` ends the reading: it and all after it pass as they came. */
  constructor(maxEventBytes: number, edit: EventEdit) {
    this.#edit = edit;
    this.#parser = new SseParser(maxEventBytes);
  }

  /** What this caller gets for the next bytes of the stream. */
  push(chunk: Buffer): Buffer {
    const events = this.#parser.push(chunk);
    const isUnderWay = !this.#parser.isBetweenEvents && !this.#parser.overflowed;
    if (events.length === 0 && isUnderWay) {
      this.#waiting.push(Buffer.from(chunk));
      return NOTHING;
    }
    this.#waiting.push(chunk);
    const bytes = this.#waiting.take();
    const shown: Buffer[] = [];
    let from = 0;
    for (const event of events) {
      const end = event.end - this.#passed;
      const seen = this.#viewOf(event, bytes.subarray(from, end));
      if (seen !== undefined) shown.push(seen);
      from = end;
    }
    const rest = bytes.subarray(from);
    if (isUnderWay) {
      this.#waiting.push(Buffer.from(rest));
      this.#passed += from;
    } else {
      // Comments, which keep connections alive, and what no longer is read.
      this.#passed += bytes.length;
      shown.push(rest);
    }
    return Buffer.concat(shown);
  }

  /** What is left to send after the stream's last byte. */
  end(): Buffer {
    return this.#waiting.take();
  }

  /** What is seen of an event whose bytes are `raw`. */
  #viewOf(event: SseEvent, raw: Buffer): Buffer | undefined {
    // Data that is not UTF-8 could not be written again as it was.
    const data = event.intact ? this.#edit(event.data) : event.data;
    if (data === event.data) return raw;
    return data === undefined ? undefined : Buffer.from(formatEvent({ event: event.event, data }));
  }
}

const NOTHING = Buffer.alloc(0);
