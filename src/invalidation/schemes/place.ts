import type { Node } from '../../openai/json.ts';
import { type JsonPath, parseJsonPath } from '../../openai/json-path.ts';
import type { Delivery, Place } from './scheme.ts';

/** Reads the name at a place of a delivery; undefined if there is none. */
export type PlaceReader = (delivery: Delivery, payload: Node) => string | undefined;

/** The reader of a place. The settings are checked: a path that is none reads nothing. */
export function readerOf({ header: name, json }: Place): PlaceReader {
  const path: JsonPath | undefined = json === undefined ? undefined : parseJsonPath(json);
  return ({ header }, payload) =>
    name === undefined ? nameOf(path?.select(payload)?.[0]) : header(name) || undefined;
}

/** The header in which a value is said, where the place is one. */
export function headerOf(place: Place | undefined, value: string): readonly (readonly [string, string])[] {
  return place?.header === undefined ? [] : [[place.header, value]];
}

/** A value as a name: a text that is not empty and of reasonable length, or a whole number; undefined for any other. */
export function nameOf(node: Node | undefined): string | undefined {
  const text = node && scalarText(node);
  return text === undefined || text === '' || text.length > MAX_NAME_LENGTH ? undefined : text;
}

/** A text, or the digits of a whole number, all of them; undefined for anything else. */
export function scalarText(node: Node): string | undefined {
  if (node.kind === 'string') return node.value;
  return node.kind === 'number' && /^-?\d+$/.test(node.raw) ? node.raw : undefined;
}

const MAX_NAME_LENGTH = 256;
