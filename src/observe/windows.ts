import { Counts } from './counts.ts';
import { Tally } from './tally.ts';

/** How far back figures can be asked for, beside all there is. */
export const WINDOWS = ['1m', '15m', '24h'] as const;

/** The name of a window. */
export type Window = (typeof WINDOWS)[number];

/** How often {@link Windows.turn} is to be called. */
export const TURN_MS = 5_000;

const PER_MINUTE = 60_000 / TURN_MS;
const PER_HOUR = 60;

/**
 * What was counted in the last minute, quarter of an hour and day, and ever. Only one tally is counted into, which costs the same
 * however many windows there are; as time passes it is folded into coarser ones. A window is right to one of its steps: five
 * seconds, a minute, an hour.
 */
export class Windows {
  /** All that was counted before the present step. */
  readonly past = new Tally();
  readonly #steps: Tally[] = [];
  readonly #minutes: Tally[] = [];
  readonly #hours: Tally[] = [];
  /** The minute and the hour under way, without the present step. */
  #minute = new Tally();
  #hour = new Tally();
  #now = new Tally();
  #turns = 0;

  /** What is counted into. */
  get now(): Tally {
    return this.#now;
  }

  /** A step of {@link TURN_MS} is over. Gives what was counted in the minute that has ended with it, if one has. */
  turn(): Tally | undefined {
    const step = this.#now;
    this.#now = new Tally();
    this.past.add(step);
    this.#minute.add(step);
    keep(this.#steps, step, PER_MINUTE);
    this.#turns += 1;
    if (this.#turns % PER_MINUTE !== 0) return undefined;
    const minute = this.#minute;
    this.#hour.add(minute);
    keep(this.#minutes, minute, 15);
    this.#minute = new Tally();
    if (this.#turns % (PER_MINUTE * PER_HOUR) === 0) {
      keep(this.#hours, this.#hour, 24);
      this.#hour = new Tally();
    }
    return minute;
  }

  /** What was counted since the start. */
  get total(): Tally {
    return sum([this.past, this.#now]);
  }

  /** The counts of {@link total}, without the work for its durations. */
  get counts(): Counts {
    return countsOf([this.past, this.#now]);
  }

  /** What was counted in a window. */
  in(window: Window): Tally {
    return sum(this.#talliesOf(window));
  }

  /** The counts of a window, without the work for its durations. */
  countsIn(window: Window): Counts {
    return countsOf(this.#talliesOf(window));
  }

  #talliesOf(window: Window): readonly Tally[] {
    switch (window) {
      case '1m':
        return [...this.#steps, this.#now];
      case '15m':
        return [...this.#minutes, this.#minute, this.#now];
      case '24h':
        return [...this.#hours, this.#hour, this.#minute, this.#now];
    }
  }
}

function keep(tallies: Tally[], latest: Tally, most: number): void {
  tallies.push(latest);
  if (tallies.length > most) tallies.shift();
}

function sum(tallies: readonly Tally[]): Tally {
  const all = new Tally();
  for (const tally of tallies) all.add(tally);
  return all;
}

function countsOf(tallies: readonly Tally[]): Counts {
  const all = new Counts();
  for (const { counts } of tallies) all.add(counts);
  return all;
}
