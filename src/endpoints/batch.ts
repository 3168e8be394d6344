import type { Payload } from '../cache/entry.ts';
import type { Node } from '../openai/json.ts';
import { jsonOf } from '../openai/json-text.ts';
import type { Edit } from '../openai/splice.ts';

/** The first place of each distinct content, and for every content which of the distinct ones it is. */
export function distinct(contents: readonly string[]): {
  readonly firsts: readonly number[];
  readonly order: readonly number[];
} {
  const parts = new Map<string, number>();
  const firsts: number[] = [];
  const order = contents.map((content, item) => {
    const known = parts.get(content);
    if (known !== undefined) return known;
    parts.set(content, firsts.length);
    return firsts.push(item) - 1;
  });
  return { firsts, order };
}

/** The members of `list` at these indexes. Throws if there is none at one of them. */
export function at<T>(list: readonly T[], indexes: readonly number[]): T[] {
  const members: T[] = [];
  for (const index of indexes) {
    const member = list[index];
    if (member === undefined) throw new Error(`there is no item ${index} in a batch of ${list.length}`);
    members.push(member);
  }
  return members;
}

/** The edit that leaves of a list in `text` only these of its items, as they are spelled there. */
export function narrowed(text: string, { start, end }: Node, items: readonly Node[]): Edit {
  return { start, end, text: `[${items.map((item) => jsonOf(text, item)).join(',')}]` };
}

/**
 * The parts that count as absent because what is at hand does not agree: all that is there. Which of two models the
 * upstream gives today is not known, and one call brings a whole that agrees.
 */
export function disagreeing(
  payloads: readonly (Payload | undefined)[],
  agree: (one: Payload, other: Payload) => boolean,
): readonly number[] {
  const first = payloads.find((payload) => payload !== undefined);
  if (payloads.every((payload) => !payload || !first || agree(payload, first))) return [];
  return [...payloads.keys()].filter((part) => payloads[part] !== undefined);
}
