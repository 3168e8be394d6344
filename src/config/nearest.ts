/** The one of `known` that `word` was most likely meant to be: one that begins so, or is spelled much like it; undefined only if `known` is empty. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of known) {
    const [said, meant] = [simplified(word), simplified(candidate)];
    const isBeginning = said.length >= SHORTEST_BEGINNING && meant.startsWith(said);
    // Of several that begin so the shortest.
    const changes = isBeginning ? meant.length / LONGEST / 2 : distance(said, meant);
    if (changes < least) {
      least = changes;
      best = candidate;
    }
  }
  return best;
}

// No name of ours is longer: what comes after decides nothing, and a hostile word stays cheap.
const LONGEST = 64;
const SHORTEST_BEGINNING = 3;

function simplified(word: string): string {
  return word.slice(0, LONGEST).toLowerCase().replaceAll('-', '_');
}

/** The insertions, deletions, replacements and swaps of neighbours that turn one word into the other. */
function distance(one: string, other: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let i = 1; i <= one.length; i++) {
    const row = [i];
    for (let j = 1; j <= other.length; j++) {
      const replaced = (last[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1);
      const swaps = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1];
      const swapped = swaps ? (beforeLast[j - 2] ?? 0) + 1 : replaced;
      row.push(Math.min(replaced, swapped, (last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    beforeLast = last;
    last = row;
  }
  return last[other.length] ?? 0;
}
