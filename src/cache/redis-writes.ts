import type { Codec } from '../codec/compress.ts';
import type { Clock } from '../shared/clock.ts';
import { messageOf } from '../shared/errors.ts';
import type { Entry } from './entry.ts';
import { digestOf, fromRecord, toRecord } from './record.ts';
import { RedisAway, type RedisLink } from './redis-link.ts';
import { run } from './redis-run.ts';
import { PUT } from './redis-scripts.ts';
import type { SharedMarks } from './shared-marks.ts';
import { tooMany, withTagged } from './tagged.ts';
import type { QueueFigures } from './tier.ts';
import { TierCounts } from './tier-counts.ts';

/** What writing to Redis works with. */
export interface RedisWritesOptions {
  readonly link: RedisLink;
  readonly shared: SharedMarks;
  readonly clock: Clock;
  readonly codec: Codec;
  /** The largest record that is shared, in bytes. */
  readonly maxRecord: number;
  /** The key of an id at this moment; undefined where nothing can be written. */
  readonly keyOf: (id: string) => string | undefined;
}

/** How often an entry is tried to be put where others put theirs. */
const ATTEMPTS = 4;
/** Bytes by which one record is told from another: its version and its checksum. */
const HEAD = 8;
/** Bytes on their way to Redis; what comes when there are more is not shared. */
const MOST_WRITING = 32_000_000;
/** Deletions owed to a Redis that is away. */
const MOST_OWED = 100_000;
/** How long a refusal is told. */
const TOLD_MS = 10_000;

/** What is on its way to Redis: of one id one thing after the other. Nothing here rejects. */
export class RedisWrites {
  /** What came to nothing, and what was packed. */
  readonly counts = new TierCounts();
  readonly #options: RedisWritesOptions;
  readonly #running = new Map<string, Promise<void>>();
  #bytes = 0;
  /** What may still lie there and must not. */
  readonly #owed = new Set<string>();
  /** Whether that is more than could be remembered. */
  #owesMore = false;
  #refusal = { why: '', until: Number.NEGATIVE_INFINITY };

  constructor(options: RedisWritesOptions) {
    this.#options = options;
  }

  /** Why a write was refused a while ago; undefined if none was. */
  get refusal(): string | undefined {
    return this.#options.clock.elapsed() < this.#refusal.until ? this.#refusal.why : undefined;
  }

  /** What has been put and Redis has not answered. */
  get queue(): QueueFigures {
    return { bytes: this.#bytes, maxBytes: MOST_WRITING };
  }

  /** Puts an entry as it is shared. */
  put(entry: Entry): void {
    const { id } = entry.key;
    const key = this.#options.keyOf(id);
    const size = entry.payload.body.length;
    if (key === undefined || this.#bytes + size > MOST_WRITING) {
      this.withhold(entry);
      return;
    }
    this.#bytes += size;
    this.#inTurn(id, async () => {
      await this.#put(entry, key);
      this.#bytes -= size;
    });
  }

  /** The entry is not shared. What lies there instead stands by itself, but for tags that it may lack. */
  withhold({ key, tags }: Pick<Entry, 'key' | 'tags'>): void {
    if (tags.length > 0) this.delete(key.id);
  }

  /** Forgets an entry, now or as soon as Redis can be asked. */
  delete(id: string): void {
    this.#inTurn(id, () => this.#delete(id));
  }

  /** Redis can be asked again. Says whether all that it must not have any more is known, and deleted. */
  resume(): boolean {
    const owed = [...this.#owed];
    this.#owed.clear();
    for (const id of owed) this.delete(id);
    return !this.#owesMore;
  }

  /** Nothing lies there any more of what did. */
  cleared(): void {
    this.#owesMore = false;
  }

  /** Resolves when what has come so far for these ids, or for all, has been written or given up. */
  async done(ids: Iterable<string> = this.#running.keys()): Promise<void> {
    await Promise.all([...ids].map((id) => this.#running.get(id)));
  }

  #inTurn(id: string, work: () => Promise<void>): void {
    const before = this.#running.get(id);
    const running = (before === undefined ? work() : before.then(work)).then(() => {
      if (this.#running.get(id) === running) this.#running.delete(id);
    });
    this.#running.set(id, running);
  }

  async #delete(id: string): Promise<void> {
    const { keyOf, link } = this.#options;
    const key = keyOf(id);
    const isGone =
      key !== undefined &&
      (await link.askPatiently(key, ['UNLINK', key]).then(
        () => true,
        () => false,
      ));
    if (isGone) return;
    if (this.#owed.size < MOST_OWED) this.#owed.add(id);
    else this.#owesMore = true;
  }

  /**
   * Writes an entry, unless there is a younger one. Where another instance has put the same answer, it keeps what either says of it;
   * and where others come between again and again, it is not shared.
   */
  async #put(entry: Entry, key: string): Promise<void> {
    const { link, shared, clock, codec, maxRecord } = this.#options;
    const { id } = entry.key;
    const digest = digestOf(id);
    let ours = entry;
    let head: Buffer = Buffer.alloc(0);
    try {
      for (let attempt = 1; attempt <= ATTEMPTS && !tooMany(ours.tags); attempt += 1) {
        const record = toRecord(ours, digest, codec);
        if (record.length > maxRecord) break;
        const args = [record, String(Math.floor(ours.keepUntil)), head];
        const reply = await run((of, command) => link.askPatiently(of, command), PUT, [key], args);
        if (!Buffer.isBuffer(reply)) {
          this.#owed.delete(id);
          const { form, body } = ours.payload;
          if (form !== 'vector') this.counts.packed(body.length, record.length);
          return;
        }
        head = reply.subarray(0, HEAD);
        const theirs = fromRecord(reply, id, digest, maxRecord);
        if (theirs === undefined) continue;
        if (isSameAnswer(ours, theirs)) ours = { ...ours, tags: withTagged(ours.tags, theirs.tags) };
        else if (theirs.born > ours.born && shared.toLocal(theirs, 0) !== undefined) return;
      }
    } catch (thrown) {
      this.counts.failed();
      const until = clock.elapsed() + TOLD_MS;
      // What could not be reached is told by the bus.
      if (!(thrown instanceof RedisAway)) this.#refusal = { why: messageOf(thrown), until };
    }
    if (ours.tags.length > 0) await this.#delete(id);
  }
}

/** Whether two are of one answer, and not of two that say the same: they may be said to speak of different things. */
function isSameAnswer(one: Entry, other: Entry): boolean {
  return one.born === other.born && one.payload.body.equals(other.payload.body);
}
