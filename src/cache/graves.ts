import type { Clock } from '../shared/clock.ts';
import { setLatest } from '../shared/set-latest.ts';

// Those that are forgotten too early are said to be absent, which they are, too.
const MOST = 20_000;
const KEPT_MS = 120_000;

/** Which entries were removed because they had been invalidated, so that whoever asks for one soon after can be told. */
export class Graves {
  readonly #clock: Clock;
  /** By when each is forgotten (monotonic milliseconds), the oldest first. */
  readonly #until = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The entry with this id is removed. */
  note(id: string): void {
    setLatest(this.#until, id, this.#clock.elapsed() + KEPT_MS, MOST);
  }

  /** Whether the entry with this id was removed lately. */
  has(id: string): boolean {
    return (this.#until.get(id) ?? 0) > this.#clock.elapsed();
  }
}
