import type { Clock } from '../shared/clock.ts';
import { MAX_TAGS } from '../shared/tag.ts';

/** A tag, and the stamp of the moment that the fetch of what has it began. */
export type StampedTag = readonly [tag: string, stamp: number];

/** What is kept of traces at most. */
export interface LineageLimits {
  readonly traces: number;
  readonly bytes: number;
}

const LIMITS: LineageLimits = { traces: 100_000, bytes: 64_000_000 };

// How long calls of one trace belong together: up to a step more, so that a tag is not seen at more than a few times.
const KEPT_MS = 10 * 60_000;
const STEP_MS = 30_000;

/** A tag was seen at this stamp, which counts until then (monotonic milliseconds). */
interface Sighting {
  readonly stamp: number;
  readonly until: number;
}

interface Trace {
  /** For each tag its sightings, stamps and ends ascending: none that one with an older stamp outlasts. */
  readonly tags: Map<string, readonly Sighting[]>;
  /** There were more tags than an entry may have, until then. */
  overflowing: number;
  until: number;
  bytes: number;
}

/**
 * What the calls of a trace have been told: the tags of the entries that were fetched or hit for it. An answer that a model
 * writes afterwards inherits them, since it may speak of any of that. Traces of different owners never meet, whatever they are
 * called. It forgets nothing in silence: where it cannot say what a trace has been told, it says so.
 */
export class Lineage {
  readonly #clock: Clock;
  readonly #limits: LineageLimits;
  /** In the order of their last note. */
  readonly #traces = new Map<string, Trace>();
  #bytes = 0;
  /** Until then a trace that is not known may be one that was forgotten before its time. */
  #forgotten = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, limits: LineageLimits = LIMITS) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** A call of the owner's trace was given an entry with these tags. */
  note(owner: string, id: string, tags: readonly StampedTag[]): void {
    if (tags.length === 0) return;
    const now = this.#clock.elapsed();
    const name = nameOf(owner, id);
    const known = this.#take(name);
    const trace = known !== undefined && known.until > now ? known : this.#begun(name);
    const until = Math.ceil(now / STEP_MS) * STEP_MS + KEPT_MS;
    trace.until = until;
    for (const [tag, stamp] of tags) see(trace, tag, { stamp, until }, now);
    this.#traces.set(name, trace);
    this.#bytes += trace.bytes;
    this.#drop(now);
  }

  /**
   * The tags that an answer written now for the owner's trace inherits, each with the oldest stamp it was seen at; `too-many`
   * where they are more than an entry may have, or not all of them are known any more.
   */
  inherited(owner: string, id: string): readonly StampedTag[] | 'too-many' {
    const now = this.#clock.elapsed();
    const trace = this.#traces.get(nameOf(owner, id));
    if ((trace?.overflowing ?? this.#forgotten) > now) return 'too-many';
    const inherited: StampedTag[] = [];
    for (const [tag, sightings] of trace?.tags ?? []) {
      const oldest = sightings.find(({ until }) => until > now);
      if (oldest !== undefined) inherited.push([tag, oldest.stamp]);
    }
    return inherited;
  }

  #begun(name: string): Trace {
    // One that was forgotten before its time has been told more than is known.
    return {
      tags: new Map(),
      overflowing: this.#forgotten,
      until: 0,
      bytes: BYTES_OF_A_TRACE + 2 * name.length,
    };
  }

  /** Takes a trace out, to be put in again as the latest. */
  #take(name: string): Trace | undefined {
    const trace = this.#traces.get(name);
    if (trace === undefined) return undefined;
    this.#traces.delete(name);
    this.#bytes -= trace.bytes;
    return trace;
  }

  /** Drops what has had its time, and the oldest while there is too much. */
  #drop(now: number): void {
    for (const [name, { until }] of this.#traces) {
      const full = this.#traces.size > this.#limits.traces || this.#bytes > this.#limits.bytes;
      if (until > now && !full) return;
      this.#take(name);
      this.#forgotten = Math.max(this.#forgotten, until);
    }
  }
}

function see(trace: Trace, tag: string, sighting: Sighting, now: number): void {
  const before = trace.tags.get(tag);
  if (before === undefined && trace.tags.size >= MAX_TAGS) {
    if (trace.overflowing < sighting.until) forgetOld(trace, now);
    if (trace.tags.size >= MAX_TAGS) {
      trace.overflowing = Math.max(trace.overflowing, sighting.until);
      return;
    }
  }
  const kept = (before ?? []).filter(({ stamp, until }) => until > now && stamp < sighting.stamp);
  const outlasted = kept.at(-1)?.until === sighting.until;
  const sightings = outlasted ? kept : [...kept, sighting];
  trace.tags.set(tag, sightings);
  trace.bytes += BYTES_OF_A_SIGHTING * (sightings.length - (before?.length ?? 0));
  if (before === undefined) trace.bytes += BYTES_OF_A_TAG + 2 * tag.length;
}

/** Forgets the tags that have had their time. */
function forgetOld(trace: Trace, now: number): void {
  for (const [tag, sightings] of trace.tags) {
    if (sightings.some(({ until }) => until > now)) continue;
    trace.tags.delete(tag);
    trace.bytes -= BYTES_OF_A_TAG + 2 * tag.length + BYTES_OF_A_SIGHTING * sightings.length;
  }
}

// What V8 takes for each, roughly.
const BYTES_OF_A_TRACE = 400;
const BYTES_OF_A_TAG = 120;
const BYTES_OF_A_SIGHTING = 60;

function nameOf(owner: string, id: string): string {
  return `${owner.length}:${owner}${id}`;
}
