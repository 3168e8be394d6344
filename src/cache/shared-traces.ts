import { atMost, type Clock } from '../shared/clock.ts';
import type { Stamps } from '../shared/stamps.ts';
import { MAX_TAGS } from '../shared/tag.ts';
import type { Tagged } from './entry.ts';
import type { RedisKeys } from './redis-keys.ts';
import { pairsOf, run, type Send } from './redis-run.ts';
import { NOTE } from './redis-scripts.ts';
import type { SharedMarks } from './shared-marks.ts';
import { TRACE_MS } from './shared-table.ts';

/** What shared traces work with. */
export interface SharedTracesOptions {
  /** Asks while a request waits. */
  readonly ask: Send;
  /** Tells what no request waits for. */
  readonly tell: Send;
  readonly keys: RedisKeys;
  readonly shared: SharedMarks;
  readonly stamps: Stamps;
  readonly clock: Clock;
  /** Milliseconds that a request waits for Redis. */
  readonly timeoutMs: number;
  /** Whether this instance is told of everything now. */
  readonly isJoined: () => boolean;
}

/** What a trace is to be told, and until when (monotonic milliseconds) that is of use to anybody. */
interface Note {
  readonly id: string;
  readonly tags: readonly Tagged[];
  readonly until: number;
}

/** Notes that are kept while nobody can be told. */
const MOST_OWED = 10_000;

/** What the calls of traces have been told at any of the instances: tags, with the numbers of announcements for stamps. */
export class SharedTraces {
  readonly #options: SharedTracesOptions;
  /** What could not be told yet, the oldest first. */
  #owed: Note[] = [];

  constructor(options: SharedTracesOptions) {
    this.#options = options;
  }

  /**
   * A call of this trace was given an entry with these tags. Resolves when the others can know, or when a request has waited for that
   * long enough; they are told as soon as Redis can be reached.
   */
  async note(id: string, tags: readonly Tagged[]): Promise<void> {
    const { clock, timeoutMs, isJoined } = this.#options;
    if (tags.length === 0) return;
    const told = this.#tell({ id, tags, until: clock.elapsed() + TRACE_MS });
    // The call has looked something up before.
    if (isJoined()) await atMost(clock, timeoutMs / 2, told);
  }

  /** Redis can be reached again: the others are told what they could not be told before. */
  resume(): void {
    const now = this.#options.clock.elapsed();
    const owed = this.#owed;
    this.#owed = [];
    for (const note of owed) if (note.until > now) void this.#tell(note);
  }

  /**
   * The tags that these traces were told, with stamps of this instance that are older than whatever was announced since; undefined
   * where they are too many, or nobody knows.
   */
  async told(ids: readonly string[]): Promise<readonly Tagged[] | undefined> {
    const { ask, keys, shared, stamps, isJoined } = this.#options;
    const { epoch } = shared;
    if (epoch === undefined || !isJoined()) return undefined;
    const now = stamps.next();
    const traces = ids.map((id) => keys.trace(epoch, id));
    const replies = await Promise.all(traces.map((key) => ask(key, ['HGETALL', key]))).catch(() => undefined);
    if (replies === undefined || shared.epoch !== epoch) return undefined;
    const told: Tagged[] = [];
    for (const reply of replies) {
      const pairs = pairsOf(reply);
      if (pairs === undefined) return undefined;
      for (const [tag, seq] of pairs) {
        if (tag === '') return undefined;
        told.push([tag, shared.stampBefore(seq, now)]);
      }
    }
    return told;
  }

  /** Tells a note, or keeps it for later. Does not reject. */
  async #tell(note: Note): Promise<void> {
    const { tell, keys, shared } = this.#options;
    const { epoch } = shared;
    try {
      if (epoch === undefined) throw new Error('the table was never read');
      const said = note.tags.flatMap(([tag, stamp]) => [tag, String(shared.seqAt(stamp))]);
      const args = [String(TRACE_MS), String(MAX_TAGS + 1), ...said];
      await run(tell, NOTE, [keys.trace(epoch, note.id), keys.traces], args);
    } catch {
      // Told as soon as there is a connection again, which has the table read first.
      this.#owed.push(note);
      if (this.#owed.length > MOST_OWED) this.#owed.shift();
    }
  }
}
