import type { Clock } from '../shared/clock.ts';
import { MAX_TAGS } from '../shared/tag.ts';
import { ANONYMOUS } from './scope.ts';

/** A tag, and the stamp of the moment that the fetch of what has it began. */
export type StampedTag = readonly [tag: string, stamp: number];

/** What an answer written for a trace inherits: `too-many` where that is more than an entry may have, or not all of it is known. */
export type Inherited = readonly StampedTag[] | 'too-many';

/** What the calls of traces have been told; where instances share that, it takes a moment. */
export interface Traces {
  /** A call of the owner's (`Caller.circle`) trace was given an entry with these tags. */
  note(owner: string, id: string, tags: readonly StampedTag[]): void | Promise<void>;
  /** The tags that an answer written now for the owner's trace inherits. */
  inherited(owner: string, id: string): Inherited | Promise<Inherited>;
}

/** What is kept of traces at most. */
export interface LineageLimits {
  readonly traces: number;
  readonly bytes: number;
}

const LIMITS: LineageLimits = { traces: 100_000, bytes: 64_000_000 };

// How long calls of one trace belong together: up to a step more, so that a tag is not seen at more than a few times.
const KEPT_MS = 10 * 60_000;
const STEP_MS = 30_000;

/** All that has one trace id. */
interface Trace {
  /** By whose it is. */
  readonly told: Map<string, Told>;
  /** One of that name was forgotten before its time, which ends then (monotonic milliseconds). */
  readonly forgotten: number;
  until: number;
  bytes: number;
}

/**
 * What the calls of a trace have been told: the tags of the entries that were fetched or hit for it. An answer that a model
 * writes afterwards inherits them, since it may speak of any of that. It forgets nothing in silence: where it does not know all that
 * a trace has been told, it says so.
 */
export class Lineage implements Traces {
  readonly #clock: Clock;
  readonly #limits: LineageLimits;
  /** By their ids, in the order of their last note. */
  readonly #traces = new Map<string, Trace>();
  #bytes = 0;
  /** Until then a trace that is not known may be one that was forgotten before its time. */
  #forgotten = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, limits: LineageLimits = LIMITS) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** A call of the owner's (`Caller.circle`) trace was given an entry with these tags. */
  note(owner: string, id: string, tags: readonly StampedTag[]): void {
    if (tags.length === 0) return;
    const now = this.#clock.elapsed();
    const trace = this.#take(id, now) ?? {
      told: new Map<string, Told>(),
      forgotten: this.#forgotten,
      until: 0,
      bytes: BYTES_OF_A_TRACE + 2 * id.length,
    };
    trace.until = Math.ceil(now / STEP_MS) * STEP_MS + KEPT_MS;
    const told = trace.told.get(owner) ?? new Told();
    const before = told.bytes;
    for (const [tag, stamp] of tags) told.see(tag, { stamp, until: trace.until }, now);
    trace.bytes += told.bytes - before + (trace.told.has(owner) ? 0 : BYTES_OF_A_TRACE);
    trace.told.set(owner, told);
    this.#traces.set(id, trace);
    this.#bytes += trace.bytes;
    this.#drop(now);
  }

  /**
   * The tags that an answer written now for the owner's trace inherits, each with the oldest stamp it was seen at; `too-many`
   * where they are more than an entry may have, or not all of them are known. What was asked for without a credential under the
   * trace's id is part of it: searches often are, of those who ask the model with one.
   */
  inherited(owner: string, id: string): Inherited {
    const now = this.#clock.elapsed();
    const trace = this.#traces.get(id);
    if ((trace?.forgotten ?? this.#forgotten) > now) return 'too-many';
    const oldest = new Map<string, number>();
    for (const whose of new Set([owner, ANONYMOUS])) {
      const told = trace?.told.get(whose);
      if (told?.isOverflowing(now)) return 'too-many';
      for (const [tag, stamp] of told?.tagsAt(now) ?? []) {
        oldest.set(tag, Math.min(stamp, oldest.get(tag) ?? stamp));
      }
    }
    return oldest.size > MAX_TAGS ? 'too-many' : [...oldest];
  }

  /** From what traces were told before it knows nothing: those that it does not know may have been. */
  beganLate(): void {
    this.#forgotten = this.#clock.elapsed() + STEP_MS + KEPT_MS;
  }

  /** Takes a trace out, to be put in again as the latest; undefined for one that has had its time. */
  #take(id: string, now: number): Trace | undefined {
    const trace = this.#traces.get(id);
    if (trace === undefined) return undefined;
    this.#traces.delete(id);
    this.#bytes -= trace.bytes;
    return trace.until > now ? trace : undefined;
  }

  /** Drops what has had its time, and the oldest while there is too much. */
  #drop(now: number): void {
    for (const [id, { until, bytes }] of this.#traces) {
      const isFull = this.#traces.size > this.#limits.traces || this.#bytes > this.#limits.bytes;
      if (until > now && !isFull) return;
      this.#traces.delete(id);
      this.#bytes -= bytes;
      this.#forgotten = Math.max(this.#forgotten, until);
    }
  }
}

/** A tag was seen with this stamp, which counts until then (monotonic milliseconds). */
interface Sighting {
  readonly stamp: number;
  readonly until: number;
}

/** What the callers of one owner have been told in one trace. */
class Told {
  bytes = 0;
  /** For each tag its sightings, stamps and ends ascending: none that one with an older stamp outlasts. */
  readonly #tags = new Map<string, readonly Sighting[]>();
  /** There were more tags than an entry may have: until then. */
  #overflowing = Number.NEGATIVE_INFINITY;

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

  see(tag: string, sighting: Sighting, now: number): void {
    const before = this.#tags.get(tag);
    if (before === undefined && !this.#hasRoom(sighting.until, now)) {
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
const BYTES_OF_A_TRACE = 400;
const BYTES_OF_A_TAG = 120;
const BYTES_OF_A_SIGHTING = 60;

function bytesOf(tag: string): number {
  return BYTES_OF_A_TAG + 2 * tag.length;
}
