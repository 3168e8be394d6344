import { Accumulation } from './accumulate.ts';
import { itemsOf, member, type Node, type ObjectNode } from './json.ts';
import { jsonOf, objectOf, objectText } from './json-text.ts';
import { numberOf } from './number.ts';

/**
 * The whole answer that the chunks of a chat or completions stream (their JSON texts, without `[DONE]`) make up.
 * `render` gives the JSON of a choice that all its pieces have been added to.
 */
export function assemble(
  chunks: readonly string[],
  object: string,
  render: (choice: Accumulation) => string,
): string {
  const answer = new Accumulation();
  const choices = new Map<number, Accumulation>();
  for (const text of chunks) {
    for (const { key, value } of objectOf(text).members) {
      if (key === 'choices') addChoices(choices, text, value);
      else if (!isBlank(text, value)) answer.set(key, jsonOf(text, value));
    }
  }
  const inOrder = [...choices].sort(([left], [right]) => left - right);
  answer.set('object', JSON.stringify(object));
  answer.set('choices', `[${inOrder.map(([, choice]) => render(choice)).join(',')}]`);
  return answer.json(['id', 'object', 'created', 'model', 'choices', 'usage']);
}

/**
 * The chunks of a stream that makes up this answer, each made when it is asked for. `split` gives the JSON of each of a
 * choice's pieces. What is said about the answer as a whole stands in the first chunk; its usage, where `includeUsage`, in
 * a last one of its own, and as null in all others.
 */
export function* disassemble(
  text: string,
  object: string,
  includeUsage: boolean,
  split: (choice: ObjectNode) => Iterable<string>,
): Generator<string, void> {
  const answer = objectOf(text);
  const usage = member(answer, 'usage');
  const saysUsage = includeUsage && usage?.kind === 'object';
  const repeated: [string, string][] = [];
  const once: [string, string][] = [];
  for (const { key, value } of answer.members) {
    if (key === 'choices' || key === 'usage') continue;
    const json = key === 'object' ? JSON.stringify(object) : jsonOf(text, value);
    (REPEATED.has(key) ? repeated : once).push([key, json]);
  }
  const nothing = saysUsage ? 'null' : undefined;
  let first = once;
  for (const choice of itemsOf(member(answer, 'choices'))) {
    if (choice.kind !== 'object') continue;
    for (const piece of split(choice)) {
      yield objectText([...repeated, ...first, ['choices', `[${piece}]`], ['usage', nothing]]);
      first = [];
    }
  }
  if (saysUsage) yield objectText([...repeated, ['choices', '[]'], ['usage', jsonOf(text, usage)]]);
}

/** The members of the whole that every chunk of a stream repeats. */
const REPEATED: ReadonlySet<string> = new Set([
  'id',
  'object',
  'created',
  'model',
  'service_tier',
  'system_fingerprint',
]);

function addChoices(choices: Map<number, Accumulation>, text: string, list: Node): void {
  for (const [position, piece] of itemsOf(list).entries()) {
    if (piece.kind !== 'object') continue;
    const at = numberOf(member(piece, 'index')) ?? position;
    const choice = choices.get(at) ?? new Accumulation();
    choices.set(at, choice);
    choice.add(text, piece);
    choice.default('index', String(position));
  }
}

/** Azure begins with a chunk of filter results whose `id`, `model`, `object` and `created` are empty. */
function isBlank(text: string, value: Node): boolean {
  return BLANK.has(jsonOf(text, value));
}

const BLANK: ReadonlySet<string> = new Set(['null', '""', '0']);
