import { member, type Node, type ObjectNode, textOf } from './json.ts';
import { jsonOf, objectText } from './json-text.ts';
import { numberOf } from './number.ts';

/**
 * A JSON object that grows by the deltas of a stream. It is kept as the JSON texts it came as: numbers keep their digits,
 * strings their escapes, and a surrogate pair cut between two deltas comes together again.
 */
export class Accumulation {
  readonly #members = new Map<string, Grown>();

  /**
   * Takes a delta, an object within `text`, as the official SDKs do: the names below append, `tool_calls` join by their
   * `index`, other arrays are concatenated, objects grow member by member, anything else is overwritten. A null or an
   * empty text never takes a value's place. Where the SDKs overwrite `reasoning` texts and `annotations`, these grow too.
   */
  add(text: string, delta: ObjectNode): void {
    for (const { key, value } of delta.members) this.addMember(text, key, value);
  }

  /** Takes one member of a delta. */
  addMember(text: string, name: string, value: Node): void {
    this.#members.set(name, grown(this.#members.get(name), name, text, value));
  }

  /** Sets a member to this JSON text, whatever it was. */
  set(name: string, json: string): void {
    this.#members.set(name, { kind: 'value', json });
  }

  /** A member that is itself an object, to grow or to read; made empty where there is none. */
  object(name: string): Accumulation {
    const member = this.#members.get(name);
    if (member?.kind === 'object') return member.object;
    const object = new Accumulation();
    this.#members.set(name, { kind: 'object', object });
    return object;
  }

  /** Sets a member to this JSON text where there is none. */
  default(name: string, json: string): void {
    if (!this.#members.has(name)) this.set(name, json);
  }

  /** Takes a member away. */
  delete(name: string): void {
    this.#members.delete(name);
  }

  /** The JSON text of a member; undefined where there is none. */
  get(name: string): string | undefined {
    const member = this.#members.get(name);
    return member && written(member);
  }

  /** The object as JSON: the members named in `first` in that order, then the others as they came. */
  json(first: readonly string[] = []): string {
    const names = new Set([...first.filter((name) => this.#members.has(name)), ...this.#members.keys()]);
    return objectText([...names].map((name) => [name, this.get(name)]));
  }
}

/** A tool call as it grows, and the `index` that its pieces name it by. */
interface ToolCall {
  readonly index: number;
  readonly call: Accumulation;
}

/** The tool calls of a message, in the order in which they began. */
class ToolCalls {
  readonly all: ToolCall[] = [];
  readonly #latest = new Map<number, Accumulation>();

  /** Joins a piece of a call to the others of its `index`, which the whole call does not have. */
  add(text: string, piece: ObjectNode): void {
    // Gemini's compatible API numbers no calls and sends each whole.
    const index = numberOf(member(piece, 'index')) ?? this.all.length;
    let call = this.#latest.get(index);
    if (call === undefined || beginsAnew(call, text, piece)) {
      call = new Accumulation();
      this.all.push({ index, call });
      this.#latest.set(index, call);
    }
    for (const { key, value } of piece.members) if (key !== 'index') call.addMember(text, key, value);
  }
}

type Grown =
  | { readonly kind: 'value'; readonly json: string }
  /** The texts between the quotes. */
  | { readonly kind: 'string'; readonly pieces: string[] }
  | { readonly kind: 'array'; readonly items: string[] }
  | { readonly kind: 'indexed'; readonly calls: ToolCalls }
  | { readonly kind: 'object'; readonly object: Accumulation };

const APPENDED: ReadonlySet<string> = new Set([
  'content',
  'refusal',
  'reasoning_content',
  'reasoning',
  'text',
  'arguments',
  'input',
]);

function grown(before: Grown | undefined, name: string, text: string, node: Node): Grown {
  const json = jsonOf(text, node);
  if (json === 'null' || json === '""') return before ?? { kind: 'value', json };
  if (node.kind === 'string' && APPENDED.has(name)) {
    const pieces = before?.kind === 'string' ? before.pieces : [];
    pieces.push(json.slice(1, -1));
    return { kind: 'string', pieces };
  }
  if (node.kind === 'array' && name === 'tool_calls') {
    const calls = before?.kind === 'indexed' ? before.calls : new ToolCalls();
    for (const call of node.items) if (call.kind === 'object') calls.add(text, call);
    return { kind: 'indexed', calls };
  }
  if (node.kind === 'array') {
    const items = before?.kind === 'array' ? before.items : [];
    for (const item of node.items) items.push(jsonOf(text, item));
    return { kind: 'array', items };
  }
  if (node.kind === 'object') {
    const object = before?.kind === 'object' ? before.object : new Accumulation();
    object.add(text, node);
    return { kind: 'object', object };
  }
  return { kind: 'value', json };
}

/**
 * Whether a piece with the `index` of an earlier call is another call: Ollama once numbered all of them 0. It then has
 * another id and says its name; a new id alone says nothing, for vLLM once gave one to every piece.
 */
function beginsAnew(call: Accumulation, text: string, piece: ObjectNode): boolean {
  const [before, id] = [call.get('id'), jsonOf(text, member(piece, 'id'))];
  const name = textOf(member(member(piece, 'function') ?? member(piece, 'custom'), 'name'));
  return isNamed(before) && isNamed(id) && before !== id && name !== undefined && name !== '';
}

function isNamed(id: string | undefined): boolean {
  return id !== undefined && id !== '""' && id !== 'null';
}

function written(member: Grown): string {
  switch (member.kind) {
    case 'value':
      return member.json;
    case 'string':
      return `"${member.pieces.join('')}"`;
    case 'array':
      return `[${member.items.join(',')}]`;
    case 'indexed': {
      const calls = member.calls.all.toSorted((left, right) => left.index - right.index);
      return `[${calls.map(({ call }) => call.json()).join(',')}]`;
    }
    case 'object':
      return member.object.json();
  }
}
