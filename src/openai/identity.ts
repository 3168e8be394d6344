import { itemsOf, member, type Node, type ObjectNode, textOf } from './json.ts';
import type { Api } from './outcome.ts';
import type { Edit } from './splice.ts';

/** The APIs whose answers have an identity that can be made new. */
export type IdentifiedApi = Api | 'moderations' | 'rerank';

/** Gives an answer an identity of its own, the same in all its pieces. */
export class FreshIdentity {
  readonly #api: IdentifiedApi;
  readonly #seconds: string;
  readonly #newId: () => string;
  readonly #renewed = new Map<string, string>();

  /** `now` in milliseconds since the epoch; `newId` gives 24 random letters and digits at every call. */
  constructor(api: IdentifiedApi, now: number, newId: () => string) {
    this.#api = api;
    this.#seconds = String(Math.floor(now / 1000));
    this.#newId = newId;
  }

  /**
   * The edits that give this answer, or this piece of one, its new `id`, times and tool call ids. Members of a Responses
   * answer's `output` keep theirs.
   */
  edits(answer: ObjectNode): Edit[] {
    const edits = [this.#renew(member(answer, 'id'), PREFIX[this.#api])];
    for (const name of ['created', 'created_at', 'completed_at']) {
      const time = member(answer, name);
      // Azure's first chunk has 0 there, and what is not completed has null.
      if (time?.kind === 'number' && time.raw !== '0') {
        edits.push({ start: time.start, end: time.end, text: this.#seconds });
      }
    }
    for (const choice of itemsOf(member(answer, 'choices'))) {
      const message = member(choice, 'message') ?? member(choice, 'delta');
      for (const call of itemsOf(member(message, 'tool_calls'))) {
        edits.push(this.#renew(member(call, 'id'), 'call_'));
      }
    }
    return edits.filter((edit) => edit !== undefined);
  }

  #renew(id: Node | undefined, prefix: string): Edit | undefined {
    const old = textOf(id);
    // An empty id is a placeholder: pieces after the first have it on some servers.
    if (id === undefined || old === undefined || old === '') return undefined;
    const renewed = this.#renewed.get(old) ?? `"${prefix}${this.#newId()}"`;
    this.#renewed.set(old, renewed);
    return { start: id.start, end: id.end, text: renewed };
  }
}

const PREFIX: Readonly<Record<IdentifiedApi, string>> = {
  chat: 'chatcmpl-',
  completions: 'cmpl-',
  responses: 'resp_',
  moderations: 'modr-',
  rerank: 'rerank-',
};
