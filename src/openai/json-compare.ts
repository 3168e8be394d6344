import type { Node, ObjectNode } from './json.ts';
import { canonicalNumber } from './number.ts';

/** Whether two JSON values are equal (RFC 9535 §2.3.5.2.2): numbers exactly, objects whatever the order of their members. */
export function isEqual(one: Node, other: Node): boolean {
  switch (one.kind) {
    case 'number':
      return other.kind === 'number' && canonicalNumber(one.raw) === canonicalNumber(other.raw);
    case 'array':
      return (
        other.kind === 'array' &&
        one.items.length === other.items.length &&
        one.items.every((item, index) => isEqualTo(other.items[index], item))
      );
    case 'object':
      return other.kind === 'object' && hasEqualMembers(one, other);
    default:
      return other.kind === one.kind && other.value === one.value;
  }
}

/** Whether the first is less than the second: only numbers and texts are, among themselves. */
export function isLess(one: Node, other: Node): boolean {
  if (one.kind === 'number' && other.kind === 'number') return Number(one.raw) < Number(other.raw);
  return one.kind === 'string' && other.kind === 'string' && one.value < other.value;
}

/** The length of a text in characters, of an array or of an object (RFC 9535 §2.4.4); undefined for any other value. */
export function lengthOf(node: Node | undefined): number | undefined {
  switch (node?.kind) {
    case 'string':
      return charactersIn(node.value);
    case 'array':
      return node.items.length;
    case 'object':
      return node.members.length;
    default:
      return undefined;
  }
}

/** A single value without its place in a document. */
export type Unplaced =
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'number'; readonly raw: string }
  | { readonly kind: 'literal'; readonly value: boolean | null };

/** A value that stands in no document. */
export function unplaced(value: Unplaced): Node {
  const place = { start: 0, end: 0 };
  return value.kind === 'string'
    ? { ...value, ...place, json: JSON.stringify(value.value) }
    : { ...value, ...place };
}

/** A number that stands in no document. */
export function numberNode(value: number): Node {
  return unplaced({ kind: 'number', raw: String(value) });
}

function charactersIn(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

function isEqualTo(one: Node | undefined, other: Node): boolean {
  return one !== undefined && isEqual(one, other);
}

function hasEqualMembers(one: ObjectNode, other: ObjectNode): boolean {
  if (one.members.length !== other.members.length) return false;
  const values = new Map(other.members.map(({ key, value }) => [key, value]));
  return one.members.every(({ key, value }) => isEqualTo(values.get(key), value));
}
