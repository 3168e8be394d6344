import { valueFrom } from '../shared/plain.ts';

/** A value of a request that holds no others. */
export interface Leaf {
  /** Where it stands, for people and for figures: `messages[*].content`; names that are data, too, stand as `*`. */
  readonly path: string;
  /** Where exactly it stands. */
  readonly place: string;
  /** Its text: of a string what it says, of all else its JSON. */
  readonly text: string;
}

/**
 * The leaves of a part's content (see `Part.content`), which is canonical JSON after, or between, some words. A string that stands
 * alone is one item of the request's `input`. Undefined for one of more than `most` leaves.
 */
export function leavesOf(content: string, most: number): readonly Leaf[] | undefined {
  const leaves: Leaf[] = [];
  const around: Around[] = [];
  for (const [token] of content.matchAll(TOKEN)) {
    const inside = around.at(-1);
    if (token === '{' || token === '[') {
      around.push({ ...hereIn(inside), isObject: token === '{', name: undefined, at: 0, isEmpty: true });
      if (inside !== undefined) inside.isEmpty = false;
    } else if (token === '}' || token === ']') {
      if (inside?.isEmpty) leaves.push({ path: inside.path, place: inside.place, text: token });
      around.pop();
    } else if (token === ',') {
      if (inside === undefined) continue;
      inside.at += 1;
      inside.name = undefined;
    } else if (inside?.isObject && inside.name === undefined) {
      inside.name = textOf(token);
    } else if (token !== ':') {
      if (inside !== undefined) inside.isEmpty = false;
      const isItem = inside === undefined && token.startsWith('"');
      leaves.push({ ...(isItem ? ITEM : hereIn(inside)), text: textOf(token) });
    }
    if (leaves.length > most) return undefined;
  }
  return leaves;
}

// A string, a mark, or a run of anything else: a number, a literal, a word.
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s"{}[\],:]+/g;

const ITEM = { path: 'input', place: 'input' };

/** An object or an array whose members are being read. */
interface Around {
  readonly path: string;
  readonly place: string;
  readonly isObject: boolean;
  /** Of an object the name of the member that is read. */
  name: string | undefined;
  /** Of an array the index of the item that is read. */
  at: number;
  isEmpty: boolean;
}

function hereIn(around: Around | undefined): Pick<Leaf, 'path' | 'place'> {
  if (around === undefined) return { path: '', place: '' };
  const { path, place, isObject, name = '', at } = around;
  if (!isObject) return { path: `${path}[*]`, place: `${place}[${at}]` };
  const dot = path === '' ? '' : '.';
  return { path: `${path}${dot}${NAME.test(name) ? name : '*'}`, place: `${place}.${JSON.stringify(name)}` };
}

/** What names of fields look like; what does not may be somebody's data. */
const NAME = /^[A-Za-z_][A-Za-z_-]{0,31}\d{0,2}$/;

function textOf(token: string): string {
  if (!token.startsWith('"')) return token;
  // Of a body that is no JSON the content holds a header, which may be anything.
  return token.includes('\\') ? String(valueFrom(token) ?? token) : token.slice(1, -1);
}
