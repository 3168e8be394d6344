import type { Clock } from '../shared/clock.ts';
import { MAX_TAGS } from '../shared/tag.ts';
import { ANONYMOUS } from './scope.ts';
import { left, type StampedTag, Told, type ToldRecord } from './told.ts';

/** What an answer written for a trace inherits. */
export interface Inherited {
  /** What is known of it, each tag with the oldest stamp that it was seen at. */
  readonly tags: readonly StampedTag[];
  /** Whether that is all, and no more than an entry may have. */
  readonly isWhole: boolean;
}

/** What the calls of traces have been told; where instances share that, it takes a moment. */
export interface Traces {
  /** A call of the owner's (`Caller.circle`) trace was given what has these tags; with `UNKNOWN` among them it may have more. */
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

/** When what is noted at `now` has had its time. */
function endOf(now: number): number {
  return Math.ceil(now / STEP_MS) * STEP_MS + KEPT_MS;
}

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
      bytes: bytesOfTrace(id),
    };
    trace.until = endOf(now);
    const told = trace.told.get(owner) ?? new Told();
    const before = told.bytes;
    for (const [tag, stamp] of tags) told.see(tag, { stamp, until: trace.until }, now);
    trace.bytes += told.bytes - before + (trace.told.has(owner) ? 0 : BYTES_OF_AN_OWNER);
    trace.told.set(owner, told);
    this.#traces.set(id, trace);
    this.#bytes += trace.bytes;
    this.#drop(now);
  }

  /**
   * What an answer written now for the owner's trace inherits. What was asked for without a credential under the trace's id is part of
   * it: searches often are, of those who ask the model with one.
   */
  inherited(owner: string, id: string): Inherited {
    const now = this.#clock.elapsed();
    const trace = this.#traces.get(id);
    let isWhole = (trace?.forgotten ?? this.#forgotten) <= now;
    const oldest = new Map<string, number>();
    for (const whose of new Set([owner, ANONYMOUS])) {
      const told = trace?.told.get(whose);
      if (told?.isOverflowing(now)) isWhole = false;
      for (const [tag, stamp] of told?.tagsAt(now) ?? []) {
        oldest.set(tag, Math.min(stamp, oldest.get(tag) ?? stamp));
      }
    }
    return { tags: [...oldest], isWhole: isWhole && oldest.size <= MAX_TAGS };
  }

  /** Whatever may have been told up to now is not known: until every trace of now has had its time, none that is not known counts as whole. */
  forget(): void {
    this.#forgotten = Math.max(this.#forgotten, endOf(this.#clock.elapsed()));
  }

  /**
   * All that is known, as JSON values by which {@link restore} goes on with it in another process. They say how long each thing has left,
   * so that the time in between does not count: to know a trace for too long does no harm.
   */
  *records(): Generator<Head | TraceRecord> {
    const now = this.#clock.elapsed();
    yield [VERSION, left(this.#forgotten, now)];
    for (const [id, { told, forgotten, until }] of this.#traces) {
      const owners = [...told].map(([owner, each]) => [owner, ...each.record(now)] as const);
      if (until > now) yield [id, left(until, now), left(forgotten, now), owners];
    }
  }

  /** Goes on with what these say, in the place of what is known. False, and nothing is taken, for what {@link records} did not give. */
  restore(records: readonly unknown[]): boolean {
    if (!isLineage(records)) return false;
    const [[, unknownFor], ...traces] = records;
    const now = this.#clock.elapsed();
    this.#forgotten = now + unknownFor;
    for (const [id, knownFor, partlyFor, owners] of traces) {
      const told = new Map(owners.map(([owner, ...each]) => [owner, Told.of(each, now)]));
      let bytes = bytesOfTrace(id);
      for (const each of told.values()) bytes += BYTES_OF_AN_OWNER + each.bytes;
      this.#traces.set(id, { told, forgotten: now + partlyFor, until: now + knownFor, bytes });
      this.#bytes += bytes;
    }
    this.#drop(now);
    return true;
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

/** What is kept of a lineage: how long traces that are not known do not count as whole, and each that is. Times are milliseconds that are left. */
type Head = readonly [version: typeof VERSION, unknownFor: number];
type TraceRecord = readonly [
  id: string,
  knownFor: number,
  partlyFor: number,
  owners: readonly (readonly [owner: string, ...told: ToldRecord])[],
];

const VERSION = 1;

/** The journal's checksums say that we wrote it; this says that it was this version of us. */
function isLineage(records: readonly unknown[]): records is readonly [Head, ...TraceRecord[]] {
  const [head] = records;
  return Array.isArray(head) && head[0] === VERSION;
}

// What V8 takes for each, roughly.
const BYTES_OF_A_TRACE = 400;
const BYTES_OF_AN_OWNER = 400;

function bytesOfTrace(id: string): number {
  return BYTES_OF_A_TRACE + 2 * id.length;
}
