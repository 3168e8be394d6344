import { countWhile } from '../shared/count-while.ts';

/** A thing in an order in which it was given its number. */
export interface Numbered {
  readonly number: number;
  /** Whether it is no longer part of anything. */
  readonly isGone: boolean;
}

/** Things in the order of their numbers: those after any number are found in logarithmic time, however many there are. */
export class Series<T extends Numbered> {
  /** Ascending; also those that are gone, until there are too many of them. */
  #things: T[] = [];
  #gone = 0;

  /** Takes a thing, whose number is above all others. */
  add(thing: T): void {
    this.#things.push(thing);
  }

  /** One of its things is gone now. */
  lost(): void {
    this.#gone += 1;
    if (this.#gone < LEAST_CLEARED || 2 * this.#gone < this.#things.length) return;
    this.#things = this.#things.filter(({ isGone }) => !isGone);
    this.#gone = 0;
  }

  /** The things after `number`, in order. What comes or goes while they are walked through is told or left out. */
  *after(number: number): Iterable<T> {
    let things = this.#things;
    let last = number;
    for (let at = indexAfter(things, last); ; at += 1) {
      if (things !== this.#things) {
        things = this.#things;
        at = indexAfter(things, last);
      }
      const thing = things[at];
      if (thing === undefined) return;
      last = thing.number;
      if (!thing.isGone) yield thing;
    }
  }
}

/** So few that are gone are no reason to clear them away. */
const LEAST_CLEARED = 1_000;

/** Where the first of `things` stands whose number is above `last`. */
function indexAfter(things: readonly Numbered[], last: number): number {
  return countWhile(things, ({ number }) => number <= last);
}
