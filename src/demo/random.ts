/** Numbers from 0 up to 1, the same ones for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * One of `items`, the n-th of them with a weight of 1 / n^`exponent`: Zipf's law, which the popularity of articles,
 * searches and questions follows. `items` must not be empty.
 */
export function pickByPopularity<T>(items: readonly T[], exponent: number, random: () => number): T {
  const weights = items.map((_, index) => (index + 1) ** -exponent);
  let left = random() * weights.reduce((sum, weight) => sum + weight, 0);
  const at = weights.findIndex((weight) => {
    left -= weight;
    return left < 0;
  });
  return itemAt(items, at === -1 ? items.length - 1 : at);
}

/** One of `items`, each as likely as the other. `items` must not be empty. */
export function pickEvenly<T>(items: readonly T[], random: () => number): T {
  return itemAt(items, Math.floor(random() * items.length));
}

/** A number from `low` up to `high` that is always the same for the same `text` (FNV-1a). */
export function between(low: number, high: number, text: string): number {
  return low + (hash(text) / 2 ** 32) * (high - low);
}

/** 32 bits of `text` (FNV-1a with a final mix, for its high bits barely move on short texts). */
export function hash(text: string): number {
  let state = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) state = Math.imul(state ^ text.charCodeAt(at), 0x01000193);
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  return (state ^ (state >>> 13)) >>> 0;
}

function itemAt<T>(items: readonly T[], at: number): T {
  const item = items[at];
  if (item === undefined) throw new RangeError(`nothing to pick from: ${items.length} items`);
  return item;
}
