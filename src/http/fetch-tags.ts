import type { Tagged } from '../cache/entry.ts';
import { withTagged } from '../cache/tagged.ts';

/** What the entries of a fetch will speak of: what each of its callers says, what they inherit, and what the answer says. */
export class FetchTags {
  readonly #stamp: number;
  /** By the parts asked for. */
  readonly #parts: (readonly Tagged[])[];
  #incomplete = false;

  /** Those of a fetch that began at `stamp` and asked for so many parts. */
  constructor(stamp: number, parts: number) {
    this.#stamp = stamp;
    this.#parts = Array.from({ length: parts }, () => []);
  }

  /** Whether somebody could not say all that a part speaks of. */
  get incomplete(): boolean {
    return this.#incomplete;
  }

  /** A caller waits for the part `index`, and says this of it; `known` tells whether that is all it would have to say. */
  take(index: number, tags: readonly Tagged[], known: boolean): void {
    this.#parts[index] = withTagged(this.of(index), tags);
    if (!known) this.#incomplete = true;
  }

  /** The answer says this of itself; `known` tells whether that is all it says. */
  takeAnswer(tags: readonly string[], known: boolean): void {
    const stamped = tags.map((tag): Tagged => [tag, this.#stamp]);
    for (const index of this.#parts.keys()) this.take(index, stamped, known);
  }

  /** What the part `index` speaks of, as far as it is known. */
  of(index: number): readonly Tagged[] {
    return this.#parts[index] ?? [];
  }
}
