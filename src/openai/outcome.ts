import { spelledBy } from './byte-text.ts';
import { isSet, isTrue, itemsOf, member, type Node, type ObjectNode, textOf } from './json.ts';
import { readObject, type Unreadable } from './json-text.ts';
import { numberOf } from './number.ts';
import { isTokens } from './usage.ts';

/** The APIs whose answers are one model's text, as JSON or as an event stream. */
export type Api = 'chat' | 'completions' | 'responses';

/** How one of the alternatives of a chat or completions answer ended. */
export interface ChoiceOutcome {
  /** Its `finish_reason`; undefined while it has none. */
  readonly finish: string | undefined;
  /** Whether the model refused. */
  readonly refused: boolean;
  /** Whether a content filter (Azure's `content_filter_results`) cut it. */
  readonly filtered: boolean;
}

/** What an answer says about itself. */
export interface Outcome {
  /** Whether it holds an `error` that is not null. */
  readonly failed: boolean;
  /** The `status` of a Responses answer; undefined where there is none. */
  readonly status: string | undefined;
  /** Of a Responses answer: whether a part of it is a refusal. */
  readonly refused: boolean;
  /** One for each `index`; none for a Responses answer. */
  readonly choices: readonly ChoiceOutcome[];
  readonly facts: AnswerFacts;
}

/** What is kept beside a stored answer; what it does not say is absent. */
export type AnswerFacts = Readonly<{
  model?: string;
  /** Tokens of the request, whichever of the APIs' two names they have. */
  prompt_tokens?: number;
  completion_tokens?: number;
  /** Of the request's tokens those read from, and written to, the upstream's own cache. */
  cached_tokens?: number;
  cache_write_tokens?: number;
  /** The tier it was served in, unless that is the usual one. */
  service_tier?: string;
  /** How its choices ended, in their order and between commas: `stop,length`. */
  finish?: string;
  /** Whether the answer holds its usage. */
  has_usage: boolean;
}>;

/** The outcome of an answer that came as one JSON object, or why it is none. */
export function outcomeOf(body: Buffer): Outcome | Unreadable {
  const spells = spelledBy(body);
  // A lenient decoder would make another answer of it.
  if (spells === undefined) return 'not-json';
  const answer = readObject(body.toString('latin1'), spells);
  if (typeof answer === 'string') return answer;
  const reader = new OutcomeReader();
  reader.see(answer);
  return reader.outcome;
}

/** Reads the outcome off an answer's objects: the one of a JSON answer, or one chunk of a stream after the other. */
export class OutcomeReader {
  #failed = false;
  #status: string | undefined;
  #refused = false;
  readonly #choices = new Map<string, ChoiceOutcome>();
  #model: string | undefined;
  #usage: ObjectNode | undefined;
  #tier: string | undefined;

  /** Takes the answer, or its next chunk. */
  see(answer: ObjectNode): void {
    this.#failed ||= isSet(member(answer, 'error'));
    this.#status = textOf(member(answer, 'status')) ?? this.#status;
    this.#model = textOf(member(answer, 'model')) || this.#model;
    this.#tier = textOf(member(answer, 'service_tier')) ?? this.#tier;
    const usage = member(answer, 'usage');
    if (usage?.kind === 'object') this.#usage = usage;
    this.#refused ||= itemsOf(member(answer, 'output')).some((item) =>
      itemsOf(member(item, 'content')).some((part) => textOf(member(part, 'type')) === 'refusal'),
    );
    for (const [position, choice] of itemsOf(member(answer, 'choices')).entries()) {
      this.#seeChoice(choice, position);
    }
  }

  /** What is known by now. */
  get outcome(): Outcome {
    const prompt = countOf(this.#usage, 'prompt_tokens', 'input_tokens');
    const completion = countOf(this.#usage, 'completion_tokens', 'output_tokens');
    const details =
      member(this.#usage, 'prompt_tokens_details') ?? member(this.#usage, 'input_tokens_details');
    const cached = countOf(details, 'cached_tokens') ?? 0;
    const written = countOf(details, 'cache_write_tokens') ?? 0;
    const tier = this.#tier;
    return {
      failed: this.#failed,
      status: this.#status,
      refused: this.#refused,
      choices: [...this.#choices.values()],
      facts: {
        ...(this.#model !== undefined && { model: this.#model }),
        ...(prompt !== undefined && { prompt_tokens: prompt }),
        ...(completion !== undefined && { completion_tokens: completion }),
        ...(cached > 0 && { cached_tokens: cached }),
        ...(written > 0 && { cache_write_tokens: written }),
        ...(tier !== undefined && tier !== 'default' && tier !== 'auto' && { service_tier: tier }),
        ...(this.#choices.size > 0 && { finish: finishOf(this.#choices.values()) }),
        has_usage: this.#usage !== undefined,
      },
    };
  }

  #seeChoice(choice: Node, position: number): void {
    const number = member(choice, 'index');
    const index = number?.kind === 'number' ? number.raw : String(position);
    const before = this.#choices.get(index);
    const message = member(choice, 'message') ?? member(choice, 'delta');
    const refusal = textOf(member(message, 'refusal')) ?? '';
    this.#choices.set(index, {
      finish: textOf(member(choice, 'finish_reason')) ?? before?.finish,
      refused: before?.refused === true || refusal !== '',
      filtered: before?.filtered === true || isFiltered(member(choice, 'content_filter_results')),
    });
  }
}

/** The upstream's own words: as many choices as an API gives at a time, and of each a word. */
function finishOf(choices: Iterable<ChoiceOutcome>): string {
  return [...choices]
    .slice(0, 128)
    .map(({ finish = 'missing' }) => label(finish))
    .join(',');
}

/** The upstream's own word, if it is one, else `other`: such words are shown. */
export function label(word: string): string {
  return /^[a-z_-]{1,40}$/i.test(word) ? word : 'other';
}

/** `{"hate":{"filtered":true,"severity":"high"}, …}`. */
function isFiltered(results: Node | undefined): boolean {
  return results?.kind === 'object' && results.members.some(({ value }) => isTrue(member(value, 'filtered')));
}

function countOf(usage: Node | undefined, ...names: readonly string[]): number | undefined {
  for (const name of names) {
    const count = numberOf(member(usage, name));
    if (count !== undefined) return isTokens(count) ? count : undefined;
  }
  return undefined;
}
