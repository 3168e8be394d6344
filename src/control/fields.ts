import { nearest } from '../config/nearest.ts';
import { parseJson } from '../openai/json.ts';
import { messageOf, RepriseError } from '../shared/errors.ts';
import type { Ask } from './call.ts';

/** What a call was given, by the field's name: of a JSON body its values, of a query lists of texts. */
export type Fields = ReadonlyMap<string, unknown>;

const LARGEST_BODY = 5_000_000;

/**
 * The fields of a call's JSON body; none where it is empty. Throws `invalid_request` unless it is one JSON object that says
 * nothing but `known` fields, and says that it is JSON: that is what a page of another site cannot send without being
 * allowed to (Fetch §4.8, CORS-safelisted content types).
 */
export async function bodyFields(ask: Ask, known: readonly string[]): Promise<Fields> {
  const type = ask.header('content-type') ?? '';
  if (!/^application\/json *(?:;|$)/i.test(type)) throw mistake('content-type', type, 'application/json');
  const body = await ask.readBody(LARGEST_BODY, 'a fixed bound of calls like this');
  if (body.length === 0) return new Map();
  const value = parse(body);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw mistake('the body', value, `a JSON object with some of ${known.join(', ')}`);
  }
  return onlyKnown(Object.entries(value), known);
}

/** The fields of a call's query, each a list. Throws `invalid_request` for one that is not `known`. */
export function queryFields({ query }: Ask, known: readonly string[]): Fields {
  return onlyKnown(
    [...new Set(query.keys())].map((name) => [name, query.getAll(name)]),
    known,
  );
}

/** What a field of texts may hold. */
export interface Bounds {
  /** The most texts. */
  readonly most: number;
  /** Characters of the longest. */
  readonly longest: number;
}

/** The texts of a field that holds one or several; undefined where it is not said. An empty list means nothing, and is refused. */
export function textsIn(fields: Fields, field: string, bounds: Bounds): readonly string[] | undefined {
  const value = fields.get(field);
  if (value === undefined) return undefined;
  const items: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (items.length === 0) throw mistake(field, value, 'at least one text, or nothing at all');
  if (items.length > bounds.most)
    throw wrong(field, `has ${items.length} texts: expected at most ${bounds.most}`);
  return items.map((item, index) =>
    textOf(Array.isArray(value) ? `${field}[${index}]` : field, item, bounds),
  );
}

/** The word that a field holds, one of `words`; the first of them where it is not said. */
export function wordIn<Word extends string>(
  fields: Fields,
  field: string,
  words: readonly [Word, ...Word[]],
): Word {
  const value = fields.has(field) ? fields.get(field) : words[0];
  const word = words.find((one) => one === value);
  if (word === undefined) throw mistake(field, value, words.join(' or '));
  return word;
}

/** What a field of `true` or `false` holds; `false` where it is not said. */
export function switchIn(fields: Fields, field: string): boolean {
  const value = fields.has(field) ? fields.get(field) : false;
  if (typeof value !== 'boolean') throw mistake(field, value, 'true or false');
  return value;
}

/** The whole number that a query says, from 1 to `most`; `otherwise` where it does not. */
export function countIn(fields: Fields, field: string, otherwise: number, most: number): number {
  const [text] = textsIn(fields, field, { most: 1, longest: 20 }) ?? [String(otherwise)];
  const number = /^\d+$/.test(text ?? '') ? Number(text) : 0;
  if (number < 1 || number > most) throw mistake(field, text, `a whole number from 1 to ${most}`);
  return number;
}

/** The error for a field that holds what it may not; `expected` says in words what it may. */
export function mistake(field: string, value: unknown, expected: string): RepriseError {
  return wrong(field, `is ${shown(value)}: expected ${expected}`);
}

/** The error for a field, or for one place in it: `tags[2]`. */
function wrong(place: string, what: string): RepriseError {
  return new RepriseError('invalid_request', `${place} ${what}.`, { param: place.replace(/\[.*$/, '') });
}

function parse(body: Buffer): unknown {
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    value = JSON.parse(text);
  } catch (thrown) {
    throw new RepriseError('invalid_request', `The body is no JSON: ${messageOf(thrown).slice(0, 200)}.`);
  }
  const read = parseJson(text);
  // Whoever lists tags under one name twice means all of them, and parsers see the last alone (RFC 8259 §4).
  if (!read.ok && read.problem === 'duplicate-key')
    throw new RepriseError(
      'invalid_request',
      'The body gives one field twice: put all that it is to say into one.',
    );
  return value;
}

function onlyKnown(entries: readonly (readonly [string, unknown])[], known: readonly string[]): Fields {
  for (const [name] of entries) {
    if (known.includes(name)) continue;
    throw new RepriseError(
      'invalid_request',
      `${JSON.stringify(name.slice(0, 80))} is no field of this call: the nearest is ${nearest(name, known)}.`,
      { param: name.slice(0, 80) },
    );
  }
  return new Map(entries);
}

function textOf(place: string, value: unknown, { longest }: Bounds): string {
  if (typeof value !== 'string') throw mistake(place, value, 'a text');
  if (value.length > longest)
    throw wrong(place, `has ${value.length} characters: expected at most ${longest}`);
  // A control character can be in no tag and no key, so it is a mistake of who asks, which should not pass for success.
  if (value === '' || CONTROL.test(value)) throw mistake(place, value, 'a text without control characters');
  return value;
}

const CONTROL = /\p{Cc}/u;

function shown(value: unknown): string {
  if (value === undefined) return 'missing';
  const text = JSON.stringify(value);
  return text.length <= 80 ? text : `${text.slice(0, 80)}…`;
}
