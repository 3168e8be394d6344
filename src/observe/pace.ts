/**
 * How long calls of one kind take lately, and how long as a rule: geometric means, so that one call of a thousandfold length is no
 * slow hour, both of which forget what is past. They move once a turn, and not once a call: a burst is as long as it is, not as it is large.
 */
export class Pace {
  /** Logarithms of what this turn's calls took. */
  #sum = 0;
  #count = 0;
  /** Turns in which there were calls. */
  #turns = 0;
  #lately = 0;
  #usual = 0;

  /** A call took `ms` milliseconds. */
  note(ms: number): void {
    this.#sum += Math.log(Math.max(1, ms));
    this.#count += 1;
  }

  /** To be called every `TURN_MS`. In silence what is lately goes back to what is usual: nothing is slow that nobody waits for. */
  turn(): void {
    if (this.#count > 0) this.#turns += 1;
    if (this.#turns === 0) return;
    const mean = this.#count === 0 ? this.#usual : this.#sum / this.#count;
    this.#lately += (mean - this.#lately) / Math.min(this.#turns, LATELY);
    this.#usual += (mean - this.#usual) / Math.min(this.#turns, USUAL);
    this.#sum = 0;
    this.#count = 0;
  }

  /** Milliseconds that calls take lately, and as a rule; undefined while too few turns had calls. */
  get means(): { readonly lately: number; readonly usual: number } | undefined {
    return this.#turns < FEWEST
      ? undefined
      : { lately: Math.exp(this.#lately), usual: Math.exp(this.#usual) };
  }
}

// In turns of five seconds: two minutes, six hours, ten minutes.
const LATELY = 24;
const USUAL = 4_320;
const FEWEST = 120;
