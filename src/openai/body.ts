import { spelledBy } from './byte-text.ts';
import { type JsonProblem, type ObjectNode, parseJson } from './json.ts';

/**
 * A value of one digit costs 90 bytes in the tree (measured): in a body of 50 MB that is 2 GB, and the end of the process.
 * No API takes as many: OpenAI's embeddings take 300,000 tokens a request. A value with a name counts as eight.
 */
export const MAX_VALUES = 1_000_000;

/** Why a request's body cannot be keyed; shown in `x-cache-reason`. */
export type BodyProblem = 'body-empty' | 'body-not-utf8' | 'body-not-object' | JsonProblem;

/** A body as its byte text (`byte-text.ts`) and the tree of it, or why it is not one JSON object that every server reads alike. */
export type BodyRead =
  | { readonly ok: true; readonly text: string; readonly root: ObjectNode }
  | { readonly ok: false; readonly problem: BodyProblem };

/**
 * Reads a request's body. It must be valid UTF-8: a lenient decoder would turn different bytes into the same U+FFFD,
 * and different requests into one.
 */
export function readBody(bytes: Buffer): BodyRead {
  if (bytes.length === 0) return { ok: false, problem: 'body-empty' };
  const spells = spelledBy(bytes);
  if (spells === undefined) return { ok: false, problem: 'body-not-utf8' };
  const text = bytes.toString('latin1');
  const parsed = parseJson(text, MAX_VALUES, spells);
  if (!parsed.ok) return parsed;
  const { root } = parsed;
  return root.kind === 'object' ? { ok: true, text, root } : { ok: false, problem: 'body-not-object' };
}
