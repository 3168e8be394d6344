import { isUtf8 } from 'node:buffer';
import { type JsonProblem, type ObjectNode, parseJson } from './json.ts';

/** Why a request's body cannot be keyed; shown in `x-cache-reason`. */
export type BodyProblem = 'body-empty' | 'body-not-utf8' | 'body-not-object' | JsonProblem;

/** A body as its text and the tree of it, or why it is not one JSON object that every server reads alike. */
export type BodyRead =
  | { readonly ok: true; readonly text: string; readonly root: ObjectNode }
  | { readonly ok: false; readonly problem: BodyProblem };

/**
 * Reads a request's body. It must be valid UTF-8: a lenient decoder would turn different bytes into the same U+FFFD,
 * and different requests into one.
 */
export function readBody(bytes: Buffer): BodyRead {
  if (bytes.length === 0) return { ok: false, problem: 'body-empty' };
  if (!isUtf8(bytes)) return { ok: false, problem: 'body-not-utf8' };
  const text = bytes.toString();
  const parsed = parseJson(text);
  if (!parsed.ok) return parsed;
  const { root } = parsed;
  return root.kind === 'object' ? { ok: true, text, root } : { ok: false, problem: 'body-not-object' };
}
