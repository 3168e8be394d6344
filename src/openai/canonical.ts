import type { Dialect } from './dialect.ts';
import type { Field, Fields, Shape, ValueKind } from './field.ts';
import { FIELDS, type RequestApi } from './fields.ts';
import type { Member, Node, ObjectNode } from './json.ts';
import { canonicalNumber } from './number.ts';

/** What may be left out of a canonical request. */
export interface CanonicalOptions {
  /** Top-level fields that are keyed in another way. */
  readonly without?: readonly string[];
}

/**
 * The text that two requests to one API share exactly if they mean the same to an upstream of this dialect, by what is
 * documented of it: transport, bookkeeping and explicit defaults are left out, names are sorted outside JSON Schemas,
 * numbers compared by value and strings by their characters; every unknown field is kept. A lone surrogate stands escaped,
 * so that hashing the text's UTF-8 does not turn it into U+FFFD. Of a tree that was read from a byte text it is a byte text.
 */
export function canonicalRequest(
  api: RequestApi,
  dialect: Dialect,
  root: ObjectNode,
  { without = [] }: CanonicalOptions = {},
): string {
  return writeFields(root, FIELDS[api], dialect, without);
}

/** The text that two JSON values share exactly if they are equal, whatever the order of their names and their spelling. */
export function canonicalValue(node: Node): string {
  return write(node, sorted);
}

function writeShaped(node: Node, shape: Shape | undefined, dialect: Dialect): string {
  switch (shape?.kind) {
    case 'object':
      return node.kind === 'object' ? writeFields(node, shape.fields, dialect, []) : canonicalValue(node);
    case 'items':
      if (node.kind !== 'array') return canonicalValue(node);
      return list(node.items, (item) => writeShaped(item, shape.of, dialect));
    case 'set':
      if (node.kind !== 'array') return canonicalValue(node);
      return `[${[...new Set(node.items.map(canonicalValue))].sort().join(',')}]`;
    case 'list':
      return node.kind === 'string' ? `[${node.json}]` : canonicalValue(node);
    case 'schema':
      return write(node, asWritten);
    case undefined:
      return canonicalValue(node);
  }
}

function writeFields(
  object: ObjectNode,
  fields: Fields,
  dialect: Dialect,
  without: readonly string[],
): string {
  let text = '';
  for (const { key, name, value } of sorted(object.members)) {
    if (without.includes(key)) continue;
    const field = fields.get(key);
    const known = field !== undefined && (field.known === undefined || field.known.includes(dialect));
    const written = known ? writeKnown(value, field, dialect, object) : canonicalValue(value);
    if (written !== undefined) text = `${text}${text === '' ? '' : ','}${name.json}:${written}`;
  }
  return `{${text}}`;
}

/** The text of a known field's value, or undefined if it is as good as absent. */
function writeKnown(value: Node, field: Field, dialect: Dialect, owner: ObjectNode): string | undefined {
  if (field.dropped?.includes(kindOf(value))) return undefined;
  const text = writeShaped(value, field.shape, dialect);
  const same = field.absent?.some(
    (absence) =>
      absence.value === text && absence.dialects.includes(dialect) && (absence.when?.(owner) ?? true),
  );
  return same ? undefined : text;
}

function kindOf(node: Node): ValueKind {
  if (node.kind !== 'literal') return node.kind;
  return node.value === null ? 'null' : 'boolean';
}

type Members = readonly Member[];

function write(node: Node, inOrder: (members: Members) => Members): string {
  switch (node.kind) {
    case 'string':
      return node.json;
    case 'number':
      return canonicalNumber(node.raw);
    case 'literal':
      return String(node.value);
    case 'array':
      return list(node.items, (item) => write(item, inOrder));
    case 'object': {
      // Added up, for V8 puts the pieces side by side only once, at the end.
      let text = '';
      for (const { name, value } of inOrder(node.members))
        text = `${text}${text === '' ? '' : ','}${name.json}:${write(value, inOrder)}`;
      return `{${text}}`;
    }
  }
}

function list(items: readonly Node[], textOf: (item: Node) => string): string {
  let text = '';
  for (const item of items) text = `${text}${text === '' ? '' : ','}${textOf(item)}`;
  return `[${text}]`;
}

/** By UTF-16 code units, as RFC 8785 §3.2.3 does. Most objects have a few members, which are put into place one by one. */
function sorted(members: Members): Members {
  if (members.length > FEW) return members.toSorted(({ key: a }, { key: b }) => (a < b ? -1 : 1));
  const inOrder = members.slice();
  for (let at = 1; at < inOrder.length; at += 1) {
    const member = inOrder[at];
    if (member === undefined) break;
    let place = at;
    for (; place > 0; place -= 1) {
      const before = inOrder[place - 1];
      if (before === undefined || before.key < member.key) break;
      inOrder[place] = before;
    }
    inOrder[place] = member;
  }
  return inOrder;
}

const FEW = 16;

function asWritten(members: Members): Members {
  return members;
}
