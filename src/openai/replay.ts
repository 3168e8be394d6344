import { chatFromChunks, chatToChunks } from './chat.ts';
import { completionFromChunks, completionToChunks } from './completions.ts';
import { type Echo, echoChanges, mentionsEcho } from './echo.ts';
import { FreshIdentity } from './identity.ts';
import { member } from './json.ts';
import { jsonOf, objectOf, readObject } from './json-text.ts';
import type { Api } from './outcome.ts';
import { responseFromEvent, responseToEvents } from './responses.ts';
import { changeMembers, replaceValue, splice } from './splice.ts';
import { DONE, formatEvent, type NamedEvent, readEvents } from './sse.ts';
import { withoutUsage } from './stream-usage.ts';

/** A stored answer: one JSON object, or a whole event stream as a recorder left it. */
export interface Stored {
  readonly form: 'json' | 'sse';
  readonly body: Buffer;
}

/** How one caller wants its answer. */
export interface Wish {
  readonly stream: boolean;
  /** Whether a chat or completions stream is to say its usage (`stream_options.include_usage`). */
  readonly includeUsage: boolean;
  readonly echo: Echo;
  /** `fresh` makes new ids and times. Responses that the upstream keeps (`store` is not false) keep theirs: they name it. */
  readonly identity: 'keep' | 'fresh';
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** 24 random letters and digits, different at every call. */
  readonly newId: () => string;
}

/** The body of the answer to this caller; where nothing is to change, the stored buffer itself. */
export function replay(api: Api, { form, body }: Stored, wish: Wish): Buffer {
  const editor = new Editor(api, wish);
  if (form === 'sse' && wish.stream) return replayStream(body, editor);
  if (form === 'sse') return Buffer.from(editor.answer(answerFrom(api, body)));
  if (wish.stream) return Buffer.from(streamOf(api, editor.answer(body.toString()), wish.includeUsage));
  if (!editor.mayChange(body)) return body;
  const text = body.toString();
  const edited = editor.answer(text);
  return edited === text ? body : Buffer.from(edited);
}

/** The JSON text of the answer that a whole stream, as a recorder left it, makes up. */
export function answerFrom(api: Api, stream: Buffer): string {
  return answerOf(api, readEvents(stream));
}

function answerOf(api: Api, events: readonly NamedEvent[]): string {
  const texts = events.map(({ data }) => data).filter((data) => data !== DONE);
  switch (api) {
    case 'chat':
      return chatFromChunks(texts);
    case 'completions':
      return completionFromChunks(texts);
    case 'responses':
      return responseFromEvent(texts.at(-1) ?? '');
  }
}

/** The stream that makes up this JSON document. */
function streamOf(api: Api, answer: string, includeUsage: boolean): string {
  return [...eventsOf(api, answer, includeUsage)].map(formatEvent).join('');
}

function* eventsOf(api: Api, answer: string, includeUsage: boolean): Generator<NamedEvent, void> {
  if (api === 'responses') return yield* responseToEvents(answer);
  const toChunks = api === 'chat' ? chatToChunks : completionToChunks;
  for (const data of toChunks(answer, includeUsage)) yield { event: undefined, data };
  yield { event: undefined, data: DONE };
}

/**
 * Whether this JSON document is of a size to be shown as a stream too. Each of a stream's pieces says what the whole is:
 * megabytes of short choices under a long name would become gigabytes of chunks.
 */
export function isStreamable(api: Api, answer: Buffer): boolean {
  if (answer.length <= STREAMABLE_BYTES) return true;
  let room = STREAM_ALLOWANCE_BYTES + STREAM_GROWTH * answer.length;
  for (const { data } of eventsOf(api, answer.toString(), true)) {
    room -= data.length;
    if (room < 0) return false;
  }
  return true;
}

// What is as small as this, nearly all there is, becomes no more than some megabytes: half of it name, half choices.
const STREAMABLE_BYTES = 8_192;
/** 2,048 completions of a word each, as of a batch of prompts, grow to seven times their size. */
const STREAM_ALLOWANCE_BYTES = 2_000_000;
const STREAM_GROWTH = 4;

function replayStream(body: Buffer, editor: Editor): Buffer {
  if (!editor.mayChange(body)) return body;
  let changed = false;
  let stream = '';
  for (const event of readEvents(body)) {
    const data = event.data === DONE ? DONE : editor.event(event.data);
    if (data !== event.data) changed = true;
    if (data !== undefined) stream += formatEvent({ event: event.event, data });
  }
  return changed ? Buffer.from(stream) : body;
}

/** Gives the data of each event of a running stream as this caller gets it: with its own fields repeated. */
export function echoing(api: Api, echo: Echo): (data: string) => string | undefined {
  const asItIs = { stream: true, includeUsage: true, identity: 'keep', now: 0, newId: () => '' } as const;
  const editor = new Editor(api, { ...asItIs, echo });
  return (data) => (data === DONE ? data : editor.event(data));
}

/** Makes a stored answer this caller's own. */
class Editor {
  readonly #api: Api;
  readonly #echo: Echo;
  readonly #identity: FreshIdentity | undefined;
  readonly #dropsUsage: boolean;

  constructor(api: Api, wish: Wish) {
    const isNamedUpstream = api === 'responses' && wish.echo.get('store') !== 'false';
    this.#api = api;
    this.#echo = wish.echo;
    this.#identity =
      wish.identity === 'fresh' && !isNamedUpstream
        ? new FreshIdentity(api, wish.now, wish.newId)
        : undefined;
    this.#dropsUsage = api !== 'responses' && wish.stream && !wish.includeUsage;
  }

  /** False where a look at the text is enough to see that all of it stays. */
  mayChange(text: string | Buffer): boolean {
    if (this.#identity !== undefined || (this.#dropsUsage && text.includes('"usage"'))) return true;
    return this.#api === 'responses' || mentionsEcho(text);
  }

  /** The JSON document as this caller gets it. */
  answer(text: string): string {
    if (!this.mayChange(text)) return text;
    const root = objectOf(text);
    const changes = echoChanges(this.#api, text, root, this.#echo);
    const echoing = changes.length === 0 ? text : changeMembers(text, root, changes);
    return this.#identity === undefined ? echoing : splice(echoing, this.#identity.edits(objectOf(echoing)));
  }

  /** The data of one event as this caller gets it; undefined where it does not get the event. */
  event(data: string): string | undefined {
    if (this.#api !== 'responses') {
      const shown = this.#dropsUsage ? withoutUsage(data) : data;
      return shown && this.answer(shown);
    }
    if (!data.includes('"response"')) return data;
    const event = readObject(data);
    const response = typeof event === 'string' ? undefined : member(event, 'response');
    if (response?.kind !== 'object') return data;
    const whole = jsonOf(data, response);
    const own = this.answer(whole);
    return own === whole ? data : replaceValue(data, response, own);
  }
}

/**
 * Whether a stored chat or completions answer can serve a caller. A stream that does not say its usage cannot say it in JSON,
 * where servers always do, nor to a stream's caller that asks, unless the upstream was asked and said none
 * (`usage_asked`): it would say none again.
 */
export function serves(
  payload: { readonly form: string; readonly facts: Readonly<Record<string, unknown>> },
  wish: { readonly stream: boolean; readonly includeUsage: boolean },
): boolean {
  if (payload.form !== 'sse' || payload.facts.has_usage === true) return true;
  return wish.stream && (!wish.includeUsage || payload.facts.usage_asked === true);
}
