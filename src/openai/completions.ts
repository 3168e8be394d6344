import { assemble, disassemble } from './chunks.ts';
import { member, type ObjectNode } from './json.ts';
import { jsonOf, objectText } from './json-text.ts';

/** The `text_completion` that the chunks of a completions stream make up. */
export function completionFromChunks(chunks: readonly string[]): string {
  return assemble(chunks, OBJECT, (choice) => choice.json(['text', 'index', 'logprobs', 'finish_reason']));
}

/** The chunks of a stream that makes up this `text_completion`: of each choice its text, then its end. */
export function completionToChunks(text: string, includeUsage: boolean): Iterable<string> {
  return disassemble(text, OBJECT, includeUsage, (choice) => splitChoice(text, choice));
}

// The one API whose chunks have the same name as the whole.
const OBJECT = 'text_completion';

function splitChoice(text: string, choice: ObjectNode): string[] {
  const json = (name: string, unsaid: string) => jsonOf(text, member(choice, name)) ?? unsaid;
  const piece = (words: string, logprobs: string, finish: string, extras: [string, string][] = []): string =>
    objectText([
      ['text', words],
      ['index', json('index', '0')],
      ['logprobs', logprobs],
      ['finish_reason', finish],
      ...extras,
    ]);
  const extras = choice.members.filter(({ key }) => !OWN_MEMBERS.has(key));
  return [
    piece(json('text', '""'), json('logprobs', 'null'), 'null'),
    piece(
      '""',
      'null',
      json('finish_reason', 'null'),
      extras.map(({ key, value }) => [key, jsonOf(text, value)]),
    ),
  ];
}

const OWN_MEMBERS: ReadonlySet<string> = new Set(['text', 'index', 'logprobs', 'finish_reason']);
