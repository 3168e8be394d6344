import type { Stamps } from '../shared/stamps.ts';
import { MAX_TAGS } from '../shared/tag.ts';
import type { Tagged } from './entry.ts';
import type { RedisKeys } from './redis-keys.ts';
import { pairsOf, run, type Send } from './redis-run.ts';
import { NOTE } from './redis-scripts.ts';
import type { SharedMarks } from './shared-marks.ts';

/** What shared traces work with. */
export interface SharedTracesOptions {
  readonly send: Send;
  readonly keys: RedisKeys;
  readonly shared: SharedMarks;
  readonly stamps: Stamps;
  /** Whether this instance is told of everything now. */
  readonly isJoined: () => boolean;
}

/** A little longer than calls of one trace belong together. */
const KEPT_MS = 11 * 60_000;

/** What the calls of traces have been told at any of the instances: tags, with the numbers of announcements for stamps. */
export class SharedTraces {
  readonly #options: SharedTracesOptions;

  constructor(options: SharedTracesOptions) {
    this.#options = options;
  }

  /** A call of this trace was given an entry with these tags. Resolves when the others can know; where they cannot, it is not told. */
  async note(id: string, tags: readonly Tagged[]): Promise<void> {
    const { send, keys, shared, isJoined } = this.#options;
    if (tags.length === 0 || shared.epoch === undefined || !isJoined()) return;
    const said = tags.flatMap(([tag, stamp]) => [tag, String(shared.seqAt(stamp))]);
    const args = [String(KEPT_MS), String(MAX_TAGS + 1), ...said];
    await run(send, NOTE, [keys.trace(shared.epoch, id)], args).catch(() => undefined);
  }

  /**
   * The tags that these traces were told, with stamps of this instance that are older than whatever was announced since; undefined
   * where they are too many, or nobody knows.
   */
  async told(ids: readonly string[]): Promise<readonly Tagged[] | undefined> {
    const { send, keys, shared, stamps, isJoined } = this.#options;
    const { epoch } = shared;
    if (epoch === undefined || !isJoined()) return undefined;
    const now = stamps.next();
    const traces = ids.map((id) => keys.trace(epoch, id));
    const replies = await Promise.all(traces.map((key) => send(key, ['HGETALL', key]))).catch(
      () => undefined,
    );
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
}
