import { compileJsonPath, type JsonPath } from '../../openai/json-path.ts';
import type { Delivery, Place } from './scheme.ts';

/** Reads the name at a place of a delivery; undefined if there is none. */
export type PlaceReader = (delivery: Delivery, payload: unknown) => string | undefined;

/** The reader of a place. The settings are checked: a path that is none reads nothing. */
export function readerOf({ header: name, json }: Place): PlaceReader {
  const path = json === undefined ? undefined : compileJsonPath(json);
  return ({ header }, payload) =>
    (name === undefined ? undefined : header(name)) || (path && firstText(path, payload));
}

function firstText(path: JsonPath, payload: unknown): string | undefined {
  return nameOf(path.values(payload)[0]);
}

/** A value as a name: a text that is not empty and of reasonable length, or the digits of a whole number; undefined for any other. */
export function nameOf(value: unknown): string | undefined {
  if (typeof value !== 'string') return wholeText(value);
  return value !== '' && value.length <= MAX_NAME_LENGTH ? value : undefined;
}

const MAX_NAME_LENGTH = 256;

/** The header in which a value is said, where the place is one. */
export function headerOf(place: Place | undefined, value: string): readonly (readonly [string, string])[] {
  return place?.header === undefined ? [] : [[place.header, value]];
}

/** The digits of a whole number; undefined for anything else. */
export function wholeText(value: unknown): string | undefined {
  return typeof value === 'bigint' || Number.isSafeInteger(value) ? String(value) : undefined;
}
