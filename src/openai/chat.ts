import type { Accumulation } from './accumulate.ts';
import { assemble, disassemble } from './chunks.ts';
import { itemsOf, member, type Node, type ObjectNode } from './json.ts';
import { jsonOf, objectText } from './json-text.ts';

/** The `chat.completion` that the chunks of a chat stream make up, as the official SDKs put it together. */
export function chatFromChunks(chunks: readonly string[]): string {
  return assemble(chunks, 'chat.completion', renderChoice);
}

/**
 * The chunks of a stream that makes up this `chat.completion`. The official SDKs append only what OpenAI itself streams in
 * pieces and overwrite the rest, so each member of a message comes whole, in one delta.
 */
export function chatToChunks(text: string, includeUsage: boolean): Iterable<string> {
  return disassemble(text, 'chat.completion.chunk', includeUsage, (choice) => splitChoice(text, choice));
}

function renderChoice(choice: Accumulation): string {
  const message = choice.object('delta');
  message.default('role', '"assistant"');
  message.default('content', 'null');
  message.default('refusal', 'null');
  // vLLM streams its deprecated name beside the new one, but its whole messages have the new one only.
  if (message.get('reasoning') === message.get('reasoning_content')) message.delete('reasoning_content');
  choice.set('message', message.json(['role', 'content', 'refusal']));
  choice.delete('delta');
  choice.default('finish_reason', 'null');
  return choice.json(['index', 'message', 'logprobs', 'finish_reason']);
}

function* splitChoice(text: string, choice: ObjectNode): Generator<string, void> {
  const json = (name: string) => jsonOf(text, member(choice, name));
  const message = member(choice, 'message');
  const deltas = message?.kind === 'object' ? deltasOf(text, message) : [];
  // All the tokens' probabilities go with the text, or with the end where there is none.
  const spoken = deltas.findLastIndex(({ hasTokens }) => hasTokens);
  const logprobs = json('logprobs');
  const silent = logprobs && 'null';
  const piece = (
    delta: string,
    probabilities: string | undefined,
    finish: string,
  ): [string, string | undefined][] => [
    ['index', json('index') ?? '0'],
    ['delta', delta],
    ['logprobs', probabilities],
    ['finish_reason', finish],
  ];
  const extras = choice.members.filter(({ key }) => !OWN_MEMBERS.has(key));
  const end = piece('{}', spoken === -1 ? logprobs : silent, json('finish_reason') ?? 'null');
  for (const [at, { delta }] of deltas.entries())
    yield objectText(piece(delta, at === spoken ? logprobs : silent, 'null'));
  yield objectText([...end, ...extras.map(({ key, value }) => [key, jsonOf(text, value)] as const)]);
}

const OWN_MEMBERS: ReadonlySet<string> = new Set(['index', 'message', 'logprobs', 'finish_reason']);

interface Delta {
  readonly delta: string;
  /** Whether it holds the tokens that the choice's `logprobs` speak of. */
  readonly hasTokens?: true;
}

/** A message in deltas: what opens it, its reasoning, its text, the rest. */
function deltasOf(text: string, message: ObjectNode): Delta[] {
  const opening: [string, string][] = [];
  const reasoning: Delta[] = [];
  const texts: Delta[] = [];
  const others: Delta[] = [];
  for (const { key, value } of message.members) {
    const json = jsonOf(text, value);
    const delta = objectText([[key, json]]);
    if (key === 'role' || json === 'null') {
      opening.push([key, json]);
    } else if ((key === 'content' || key === 'refusal') && value.kind === 'string') {
      opening.push([key, key === 'content' ? '""' : 'null']);
      if (json !== '""') texts.push({ delta, hasTokens: true });
    } else if (key === 'tool_calls') {
      others.push(...itemsOf(value).flatMap((call, index) => deltasOfCall(text, call, index)));
    } else {
      (key.startsWith('reasoning') ? reasoning : others).push({ delta });
    }
  }
  return [{ delta: objectText(opening) }, ...reasoning, ...texts, ...others];
}

/** A call without its arguments, then these: clients look for the name in the first piece only. */
function deltasOfCall(text: string, call: Node, index: number): Delta[] {
  if (call.kind !== 'object') return [];
  const [kind, name] = member(call, 'custom') === undefined ? ['function', 'arguments'] : ['custom', 'input'];
  const called = member(call, kind);
  const payload = member(called, name);
  const opening = call.members.map(({ key, value }): [string, string | undefined] => {
    if (key === 'index') return [key, undefined];
    if (payload === undefined || value !== called) return [key, jsonOf(text, value)];
    return [key, `${text.slice(value.start, payload.start)}""${text.slice(payload.end, value.end)}`];
  });
  const pieces = [objectText([['index', index], ...opening])];
  if (payload !== undefined) {
    pieces.push(
      objectText([
        ['index', index],
        [kind, objectText([[name, jsonOf(text, payload)]])],
      ]),
    );
  }
  return pieces.map((piece) => ({ delta: objectText([['tool_calls', `[${piece}]`]]) }));
}
