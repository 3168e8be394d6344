import { BriefMap } from '../shared/brief-map.ts';
import { setLatest } from '../shared/set-latest.ts';

/**
 * The parts being fetched, by key id. A slot `S` says who fetches the part; whoever needs the part meanwhile joins it.
 * A newer slot takes an older one's place; the older one then serves those who hold it, and nobody new.
 */
export class Flights<S> {
  readonly #slots = new BriefMap<string, S>();
  // Varnish's hit-for-miss: where answers turned out to be one caller's own, waiting for one would only queue the others.
  readonly #alone = new Map<string, number>();

  // Keys whose last refresh failed, by when they may be asked for again.
  readonly #resting = new Map<string, number>();

  /** The slot that fetches `id`, unless its callers are known to need calls of their own at `now` (monotonic ms). */
  find(id: string, now: number): S | undefined {
    return (this.#alone.get(id) ?? 0) > now ? undefined : this.#slots.get(id);
  }

  /** Makes `slot` the one that fetches `id`. */
  open(id: string, slot: S): void {
    this.#slots.set(id, slot);
  }

  /** Ends `slot`, unless a newer one has taken its place. */
  close(id: string, slot: S): void {
    if (this.#slots.get(id) === slot) this.#slots.delete(id);
  }

  /** Until `until` (monotonic ms) nobody joins a fetch of `id`: its answers belong to single callers. */
  separate(id: string, until: number): void {
    setLatest(this.#alone, id, until, MAX_NOTES);
  }

  /** Until `until` (monotonic ms) `id` is not refreshed: the last try failed, and something old can be served. */
  rest(id: string, until: number): void {
    setLatest(this.#resting, id, until, MAX_NOTES);
  }

  /** Whether `id` rests at `now` (monotonic ms). */
  rests(id: string, now: number): boolean {
    return (this.#resting.get(id) ?? 0) > now;
  }
}

// What is forgotten too early costs a call more, and nothing else.
const MAX_NOTES = 10_000;
