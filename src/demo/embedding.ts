import { hash } from './random.ts';

/**
 * A unit vector of `dimensions` numbers for `text`: each word adds its share at a place that its hash chooses, so that
 * texts with words in common lie close together. Good enough to find the article a question names, and always the same.
 */
export function embed(text: string, dimensions: number): Float32Array {
  const vector = new Float32Array(dimensions);
  for (const word of words(text)) {
    const bits = hash(word);
    const at = bits % dimensions;
    // Half of the words count downwards: what collides by chance cancels out instead of adding up.
    vector[at] = (vector[at] ?? 0) + (bits >>> 31 === 0 ? 1 : -1);
  }
  const length = Math.hypot(...vector) || 1;
  return vector.map((value) => value / length);
}

/** How close two vectors of {@link embed} are: 1 for equal ones, about 0 for unrelated ones. */
export function similarity(one: ArrayLike<number>, other: ArrayLike<number>): number {
  let sum = 0;
  for (let at = 0; at < one.length; at++) sum += (one[at] ?? 0) * (other[at] ?? 0);
  return sum;
}

/** The words of `text` that carry meaning, in lower case. */
function words(text: string): readonly string[] {
  return (text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []).filter((word) => !COMMON_WORDS.has(word));
}

const COMMON_WORDS: ReadonlySet<string> = new Set(
  `a about an and any are as at be can could do does for from get give go good have how i if in is it its kind me
  much my of on one or please something that the them there these this to what when which will with would you
  your hi hello hey thanks know tell need want wonder question quick sorry`.split(/\s+/),
);
