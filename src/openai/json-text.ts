import { type JsonProblem, type Node, type ObjectNode, parseJson } from './json.ts';
import type { Spelled } from './json-string.ts';

/** Why a text is no JSON object that can be told apart and changed. */
export type Unreadable = 'not-json' | 'not-an-object' | Exclude<JsonProblem, 'body-not-json'>;

/** The tree of a text that is one JSON object, or why it is none. What a byte text `spells` has to be said: see {@link parseJson}. */
export function readObject(text: string, spells?: Spelled): ObjectNode | Unreadable {
  const parsed = parseJson(text, undefined, spells);
  if (!parsed.ok) return parsed.problem === 'body-not-json' ? 'not-json' : parsed.problem;
  return parsed.root.kind === 'object' ? parsed.root : 'not-an-object';
}

/**
 * The tree of a text that is known to be one JSON object.
 *
 * @throws TypeError if it is none.
 */
export function objectOf(text: string): ObjectNode {
  const root = readObject(text);
  if (typeof root === 'string') throw new TypeError(`expected a JSON object, got what is ${root}`);
  return root;
}

/** The text of a value within the text its tree was read from; undefined where there is no value. */
export function jsonOf(text: string, node: Node): string;
export function jsonOf(text: string, node: Node | undefined): string | undefined;
export function jsonOf(text: string, node: Node | undefined): string | undefined {
  return node && text.slice(node.start, node.end);
}

/** The text of a JSON object with these members, in this order: JSON texts by their names. Those undefined are left out. */
export function objectText(
  members: Iterable<readonly [name: string, json: string | number | undefined]>,
): string {
  let text = '';
  for (const [name, json] of members) {
    if (json !== undefined) text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${json}`;
  }
  return `{${text}}`;
}

/** The UTF-8 of a text in memory of its own. `Buffer.from` shares a pool, all of which a kept entry would keep alive. */
export function bytesOf(text: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  bytes.write(text);
  return bytes;
}
