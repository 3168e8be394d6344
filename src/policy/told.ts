import { MAX_TAGS } from '../shared/tag.ts';

/** A tag, and the stamp of the moment that the fetch of what has it began. */
export type StampedTag = readonly [tag: string, stamp: number];

/** Stands for what a trace was told of which nobody knows all tags: no tag is empty. */
export const UNKNOWN: StampedTag = ['', 0];

/** What is kept of a {@link Told}; times are milliseconds that are left. */
export type ToldRecord = readonly [
  overflowing: number,
  tags: readonly (readonly [tag: string, sightings: readonly (readonly [stamp: number, until: number])[]])[],
];

/** How long it is from `now` until then. */
export function left(until: number, now: number): number {
  return Math.max(0, until - now);
}

/** A tag was seen with this stamp, which counts until then (monotonic milliseconds). */
interface Sighting {
  readonly stamp: number;
  readonly until: number;
}

/** What the callers of one owner have been told in one trace. */
export class Told {
  /** What it takes in memory. */
  bytes = 0;
  /** For each tag its sightings, stamps and ends ascending: none that one with an older stamp outlasts. */
  readonly #tags = new Map<string, readonly Sighting[]>();
  /** There were more tags than an entry may have, or than are known: until then. */
  #overflowing = Number.NEGATIVE_INFINITY;

  /** What a {@link record} says, at `now`. */
  static of([overflowing, tags]: ToldRecord, now: number): Told {
    const told = new Told();
    told.#overflowing = now + overflowing;
    for (const [tag, seen] of tags) {
      const sightings = seen.map(([stamp, until]) => ({ stamp, until: now + until }));
      told.#tags.set(tag, sightings);
      told.bytes += bytesOf(tag) + BYTES_OF_A_SIGHTING * sightings.length;
    }
    return told;
  }

  /** What counts of it at `now`, as a JSON value. */
  record(now: number): ToldRecord {
    const tags = [...this.#tags].map(([tag, sightings]) => {
      const counting = sightings.filter(({ until }) => until > now);
      return [tag, counting.map(({ stamp, until }) => [stamp, until - now] as const)] as const;
    });
    return [left(this.#overflowing, now), tags.filter(([, sightings]) => sightings.length > 0)];
  }

  /** Whether there was more than is known. */
  isOverflowing(now: number): boolean {
    return this.#overflowing > now;
  }

  /** Each tag with the oldest stamp that counts now. */
  *tagsAt(now: number): Generator<StampedTag> {
    for (const [tag, sightings] of this.#tags) {
      const oldest = sightings.find(({ until }) => until > now);
      if (oldest !== undefined) yield [tag, oldest.stamp];
    }
  }

  /** A tag was seen, or {@link UNKNOWN}. */
  see(tag: string, sighting: Sighting, now: number): void {
    const before = this.#tags.get(tag);
    if (tag === UNKNOWN[0] || (before === undefined && !this.#hasRoom(sighting.until, now))) {
      this.#overflowing = sighting.until;
      return;
    }
    const kept = (before ?? []).filter(({ stamp, until }) => until > now && stamp < sighting.stamp);
    const isOutlasted = kept.at(-1)?.until === sighting.until;
    const sightings = isOutlasted ? kept : [...kept, sighting];
    this.#tags.set(tag, sightings);
    this.bytes += BYTES_OF_A_SIGHTING * (sightings.length - (before?.length ?? 0));
    if (before === undefined) this.bytes += bytesOf(tag);
  }

  /** Whether there is room for one more tag, after those that have had their time are dropped, once for each `until`. */
  #hasRoom(until: number, now: number): boolean {
    if (this.#tags.size < MAX_TAGS) return true;
    if (this.#overflowing === until) return false;
    for (const [tag, sightings] of this.#tags) {
      if (sightings.some((sighting) => sighting.until > now)) continue;
      this.#tags.delete(tag);
      this.bytes -= bytesOf(tag) + BYTES_OF_A_SIGHTING * sightings.length;
    }
    return this.#tags.size < MAX_TAGS;
  }
}

// What V8 takes for each, roughly.
const BYTES_OF_A_TAG = 120;
const BYTES_OF_A_SIGHTING = 60;

function bytesOf(tag: string): number {
  return BYTES_OF_A_TAG + 2 * tag.length;
}
