import { isSet, member, type ObjectNode, textOf } from './json.ts';
import { readObject, type Unreadable } from './json-text.ts';
import { type Api, type Outcome, OutcomeReader } from './outcome.ts';
import { FINAL_EVENTS } from './responses.ts';
import { removeMember } from './splice.ts';
import { DONE, formatEvent, type NamedEvent, type SseEvent, SseParser } from './sse.ts';

/**
 * What a stream turned out to be:
 * `whole` it reached its terminal event; `body` is the stream cleaned of what is not the answer;
 * `failed` it carried an error, whose JSON text, in the shape of an error answer, is `error`;
 * `opaque` it cannot be read, for that reason, and is nothing to keep;
 * `broken` it ended before its terminal event; `cut` in the midst of what it was saying, and not only without its last words, which
 * some servers leave out.
 */
export type Recorded =
  | { readonly kind: 'whole'; readonly body: Buffer; readonly outcome: Outcome }
  | { readonly kind: 'failed'; readonly error: string }
  | { readonly kind: 'opaque'; readonly reason: Unreadable | 'empty' | 'too-large' }
  | { readonly kind: 'broken'; readonly cut: boolean };

/**
 * Records one upstream stream as it passes. The record has the upstream's events one for one and each one's JSON text as
 * it came, without comments, keepalives, and the random padding (`obfuscation`) that OpenAI adds against traffic analysis.
 */
export class Recorder {
  readonly #api: Api;
  readonly #maxBytes: number;
  readonly #parser: SseParser;
  readonly #reader = new OutcomeReader();
  #events: string[] = [];
  #size = 0;
  #isEmpty = true;
  #done = false;

  /** `maxBytes` bounds what is kept: a larger stream is `opaque`. */
  constructor(api: Api, maxBytes: number) {
    this.#api = api;
    this.#maxBytes = maxBytes;
    this.#parser = new SseParser(maxBytes);
  }

  /** Takes the next bytes; gives what the stream is as soon as that is known, once, and undefined before and after. */
  push(chunk: Buffer): Recorded | undefined {
    if (this.#done) return undefined;
    for (const event of this.#parser.push(chunk)) {
      const recorded = this.#take(event);
      if (recorded !== undefined) return this.#finish(recorded);
    }
    return this.#parser.overflowed ? this.#finish({ kind: 'opaque', reason: 'too-large' }) : undefined;
  }

  /** The upstream has ended: what the stream is, if `push` has not said so. */
  end(): Recorded | undefined {
    if (this.#done) return undefined;
    const last = this.#parser.end();
    // Only a terminal event can be known to be whole without its blank line.
    const recorded = last === undefined ? undefined : this.#take(last);
    return this.#finish(
      recorded?.kind === 'whole' || recorded?.kind === 'failed' ? recorded : this.#broken(),
    );
  }

  #broken(): Recorded {
    const isOver = this.#api !== 'responses' && this.#reader.outcome.choices.every(({ finish }) => finish);
    return { kind: 'broken', cut: this.#size > 0 && !isOver };
  }

  #finish(recorded: Recorded): Recorded {
    this.#done = true;
    this.#events = [];
    return recorded;
  }

  #take({ event, data, intact }: SseEvent): Recorded | undefined {
    if (data.trimEnd() === DONE) {
      // A response has ended before, or never will.
      if (this.#api === 'responses') return this.#broken();
      return this.#keep({ event, data: DONE }) ?? this.#complete();
    }
    const document = intact ? readObject(data) : 'not-json';
    if (typeof document === 'string') return { kind: 'opaque', reason: document };
    if (isSet(member(document, 'error'))) return { kind: 'failed', error: data };
    const type = textOf(member(document, 'type')) ?? event;
    if (type === 'error') return { kind: 'failed', error: `{"error":${data}}` };
    if (type === 'keepalive') return undefined;
    const tooLarge = this.#keep({ event, data: withoutObfuscation(data, document) });
    if (tooLarge !== undefined) return tooLarge;
    if (this.#api !== 'responses') return this.#see(document);
    if (type === undefined || !FINAL_EVENTS.has(type)) return undefined;
    const response = member(document, 'response');
    if (response?.kind !== 'object') return { kind: 'opaque', reason: 'not-an-object' };
    return this.#see(response) ?? this.#complete();
  }

  #see(document: ObjectNode): undefined {
    this.#reader.see(document);
    this.#isEmpty = false;
  }

  #keep(event: NamedEvent): Recorded | undefined {
    const text = formatEvent(event);
    this.#events.push(text);
    this.#size += Buffer.byteLength(text);
    return this.#size > this.#maxBytes ? { kind: 'opaque', reason: 'too-large' } : undefined;
  }

  #complete(): Recorded {
    if (this.#isEmpty) return { kind: 'opaque', reason: 'empty' };
    return { kind: 'whole', body: Buffer.from(this.#events.join('')), outcome: this.#reader.outcome };
  }
}

/** OpenAI pads events with random text against traffic analysis, in a member of their own. */
function withoutObfuscation(data: string, document: ObjectNode): string {
  return member(document, 'obfuscation') === undefined ? data : removeMember(data, document, ['obfuscation']);
}
