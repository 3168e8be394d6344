import type { Payload } from '../cache/entry.ts';
import type { Node } from '../openai/json.ts';
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

/**
 * How a list is narrowed: gives the edit that leaves of it only the items at these indexes, as they are spelled. It keeps
 * of the request's tree no more than where they stand, for a plan lives as long as its call.
 */
export function narrowing(
  text: string,
  list: Node,
  items: readonly Node[],
): (kept: readonly number[]) => Edit {
  const { start, end } = list;
  const spans = items.map((item) => ({ start: item.start, end: item.end }));
  return (kept) => {
    const texts = at(spans, kept).map((span) => text.slice(span.start, span.end));
    return { start, end, text: `[${texts.join(',')}]` };
  };
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
