import { type JsonString, readString, type Source, type Spelled } from './json-string.ts';

/** Where a value stands in its text: string offsets, `end` is the one after its last character. */
interface Span {
  readonly start: number;
  readonly end: number;
}

/** An object. */
export interface ObjectNode extends Span {
  readonly kind: 'object';
  /** In the order of the text; no two have one name. */
  readonly members: readonly Member[];
}

/** One name and value of an object. */
export interface Member {
  /** The name, unescaped. */
  readonly key: string;
  /** The same where it stands. */
  readonly name: StringNode;
  readonly value: Node;
}

/** An array. */
export interface ArrayNode extends Span {
  readonly kind: 'array';
  readonly items: readonly Node[];
}

/** A string: its value, and what tells it from all others. */
export type StringNode = Pick<JsonString, 'kind' | 'start' | 'end' | 'value' | 'json'>;

/** A number, of any size. */
export interface NumberNode extends Span {
  readonly kind: 'number';
  /** As written: a double could not hold every integer (RFC 8259 §6). */
  readonly raw: string;
}

/** What is written as a word. */
export interface LiteralNode extends Span {
  readonly kind: 'literal';
  readonly value: true | false | null;
}

/** A JSON value and where it stands in its text, so that it can be replaced without writing the rest anew. */
export type Node = ObjectNode | ArrayNode | StringNode | NumberNode | LiteralNode;

/** Why a text is not taken. */
export type JsonProblem = 'body-not-json' | 'duplicate-key' | 'too-deep' | 'too-many-values';

/** Objects and arrays may stand this deep in each other. */
export const MAX_DEPTH = 128;

/**
 * Reads a JSON text (RFC 8259, strictly: no comments, no byte order mark, nothing after the value) into its tree, in
 * linear time. A text with a duplicate name is refused, since parsers do not agree on which of the two counts, and so is one that
 * nests deeper than {@link MAX_DEPTH} or holds more than `maxValues` values, of which one with a name counts as eight. The problem is the first one met. Of a byte text, which
 * must spell well-formed UTF-8, the tree's values are what that says, and its places and JSON are the byte text's.
 */
export function parseJson(
  text: string,
  maxValues = Number.POSITIVE_INFINITY,
  spells: Spelled = 'itself',
): { readonly ok: true; readonly root: Node } | { readonly ok: false; readonly problem: JsonProblem } {
  // A raw lone surrogate cannot come from UTF-8 (RFC 8259 §8.1), so that whoever reads the tree meets escaped ones only.
  if (spells === 'itself' && !text.isWellFormed()) return { ok: false, problem: 'body-not-json' };
  const scanner = new Scanner({ text, spells }, maxValues);
  const root = scanner.document();
  return root === undefined ? { ok: false, problem: scanner.problem } : { ok: true, root };
}

/** The value of an object's member, or undefined if there is none or `node` is no object. */
export function member(node: Node | undefined, name: string): Node | undefined {
  if (node?.kind !== 'object') return undefined;
  for (const { key, value } of node.members) if (key === name) return value;
  return undefined;
}

/** The value of a string node; undefined for any other. */
export function textOf(node: Node | undefined): string | undefined {
  return node?.kind === 'string' ? node.value : undefined;
}

/** The items of an array node; none for any other. */
export function itemsOf(node: Node | undefined): readonly Node[] {
  return node?.kind === 'array' ? node.items : [];
}

/** Whether the node is there and not `null`. */
export function isSet(node: Node | undefined): node is Node {
  return node !== undefined && !(node.kind === 'literal' && node.value === null);
}

/** Whether the node is `false`. */
export function isFalse(node: Node | undefined): boolean {
  return node?.kind === 'literal' && node.value === false;
}

/** Whether the node is `true`. */
export function isTrue(node: Node | undefined): boolean {
  return node?.kind === 'literal' && node.value === true;
}

const TAB = 0x09;
const LINE_FEED = 0x0a;
const RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
// The bit that tells `e` from `E`.
const LOWER_CASE = 0x20;
const LETTER_E = 0x65;

// What a name costs, in values: it is kept, compared with the others, and sorted among them (a million took 4 s, measured).
const NAME_VALUES = 7;

// Up to so many names are compared one by one, which is faster than a set.
const FEW = 12;

/** Its methods read what begins at `#at` and stand after it; they give undefined, and `problem` says why, if they cannot. */
class Scanner {
  problem: JsonProblem = 'body-not-json';
  readonly #source: Source;
  readonly #text: string;
  #at = 0;
  /** How many more values are taken. */
  #left: number;

  constructor(source: Source, maxValues: number) {
    this.#source = source;
    this.#text = source.text;
    this.#left = maxValues;
  }

  document(): Node | undefined {
    const root = this.#value(this.#skipSpace(), 0);
    if (root === undefined || this.#skipSpace() === this.#text.length) return root;
    return undefined;
  }

  /** Recursion is bounded by `MAX_DEPTH`. */
  #value(start: number, depth: number): Node | undefined {
    this.#left -= 1;
    if (this.#left < 0) return this.#fail('too-many-values');
    switch (this.#text.charCodeAt(start)) {
      case QUOTE:
        return this.#string(start);
      case OPEN_BRACE:
        return depth < MAX_DEPTH ? this.#object(start, depth + 1) : this.#fail('too-deep');
      case OPEN_BRACKET:
        return depth < MAX_DEPTH ? this.#array(start, depth + 1) : this.#fail('too-deep');
      case 0x74:
        return this.#literal(start, 'true', true);
      case 0x66:
        return this.#literal(start, 'false', false);
      case 0x6e:
        return this.#literal(start, 'null', null);
      default:
        return this.#number(start);
    }
  }

  #object(start: number, depth: number): ObjectNode | undefined {
    const members: Member[] = [];
    let names: Set<string> | undefined;
    this.#at = start + 1;
    let at = this.#skipSpace();
    if (this.#text.charCodeAt(at) === CLOSE_BRACE) {
      this.#at = at + 1;
      return { kind: 'object', start, end: at + 1, members };
    }
    for (;;) {
      if (this.#text.charCodeAt(at) !== QUOTE) return undefined;
      const name = this.#string(at);
      if (name === undefined) return undefined;
      const key = name.value;
      if (members.length === FEW) names = new Set(members.map((known) => known.key));
      if (names === undefined ? holds(members, key) : names.has(key)) return this.#fail('duplicate-key');
      names?.add(key);
      this.#left -= NAME_VALUES;
      if (this.#text.charCodeAt(this.#skipSpace()) !== COLON) return undefined;
      this.#at += 1;
      const value = this.#value(this.#skipSpace(), depth);
      if (value === undefined) return undefined;
      members.push({ key, name, value });
      const after = this.#text.charCodeAt(this.#skipSpace());
      this.#at += 1;
      if (after === CLOSE_BRACE) return { kind: 'object', start, end: this.#at, members };
      if (after !== COMMA) return undefined;
      at = this.#skipSpace();
    }
  }

  #array(start: number, depth: number): ArrayNode | undefined {
    const items: Node[] = [];
    this.#at = start + 1;
    let at = this.#skipSpace();
    if (this.#text.charCodeAt(at) === CLOSE_BRACKET) {
      this.#at = at + 1;
      return { kind: 'array', start, end: at + 1, items };
    }
    for (;;) {
      const item = this.#value(at, depth);
      if (item === undefined) return undefined;
      items.push(item);
      const after = this.#text.charCodeAt(this.#skipSpace());
      this.#at += 1;
      if (after === CLOSE_BRACKET) return { kind: 'array', start, end: this.#at, items };
      if (after !== COMMA) return undefined;
      at = this.#skipSpace();
    }
  }

  #string(start: number): JsonString | undefined {
    const read = readString(this.#source, start);
    if (read !== undefined) this.#at = read.end;
    return read;
  }

  #number(start: number): NumberNode | undefined {
    const text = this.#text;
    let at = text.charCodeAt(start) === MINUS ? start + 1 : start;
    const whole = at;
    at = this.#digits(at);
    if (at === whole || (at > whole + 1 && text.charCodeAt(whole) === ZERO)) return undefined;
    if (text.charCodeAt(at) === POINT) {
      const fraction = at + 1;
      at = this.#digits(fraction);
      if (at === fraction) return undefined;
    }
    if ((text.charCodeAt(at) | LOWER_CASE) === LETTER_E) {
      const sign = text.charCodeAt(at + 1);
      const exponent = sign === PLUS || sign === MINUS ? at + 2 : at + 1;
      at = this.#digits(exponent);
      if (at === exponent) return undefined;
    }
    this.#at = at;
    return { kind: 'number', start, end: at, raw: text.slice(start, at) };
  }

  #digits(from: number): number {
    let at = from;
    for (;;) {
      const code = this.#text.charCodeAt(at);
      // Not a number past the end, which no comparison finds true.
      if (!(code >= ZERO && code <= NINE)) return at;
      at += 1;
    }
  }

  #literal(start: number, word: string, value: true | false | null): LiteralNode | undefined {
    if (!this.#text.startsWith(word, start)) return undefined;
    this.#at = start + word.length;
    return { kind: 'literal', start, end: this.#at, value };
  }

  #skipSpace(): number {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== SPACE && code !== LINE_FEED && code !== RETURN && code !== TAB) return this.#at;
      this.#at += 1;
    }
  }

  #fail(problem: JsonProblem): undefined {
    this.problem = problem;
    return undefined;
  }
}

function holds(members: readonly Member[], key: string): boolean {
  for (const known of members) if (known.key === key) return true;
  return false;
}
