import type { Codec } from '../codec/compress.ts';
import { exact } from '../codec/exact.ts';
import type { Clock } from '../shared/clock.ts';
import { messageOf } from '../shared/errors.ts';
import { isOver } from '../shared/life.ts';
import type { Stamps } from '../shared/stamps.ts';
import type { Entry, Times } from './entry.ts';
import { digestOf, fromRecord, toRecord } from './record.ts';
import type { RedisKeys } from './redis-keys.ts';
import type { RedisLink } from './redis-link.ts';
import { run } from './redis-run.ts';
import { PUT, READ } from './redis-scripts.ts';
import type { SharedMarks } from './shared-marks.ts';
import { tooMany, withTagged } from './tagged.ts';
import type { Cleared, Tier, TierFigures, TierHealth } from './tier.ts';

/** What L3 works with. */
export interface RedisTierOptions {
  readonly link: RedisLink;
  readonly keys: RedisKeys;
  readonly shared: SharedMarks;
  /** How this instance stands to the others: whether it is told of everything, and by how many whole ms Redis' clock is ahead. */
  readonly bus: { readonly isJoined: boolean; readonly aheadMs: number; health(): TierHealth };
  readonly stamps: Stamps;
  readonly clock: Clock;
  readonly codec: Codec;
  /** The largest record that is shared, in bytes. */
  readonly maxRecord: number;
  /** Whether all keys lie on one server, which can be asked for many in one step. */
  readonly isOneServer: boolean;
}

/** Bytes that one look-up brings at most, however many entries it asks for. */
const MOST_READ = 64_000_000;
/** Entries that are read in one step: Redis does nothing else meanwhile. */
const STEP = 512;
/** How often an entry is tried to be put where others put theirs. */
const ATTEMPTS = 4;
/** Bytes by which one record is told from another: its version and its checksum. */
const HEAD = 8;
/** Bytes on their way to Redis; what comes when there are more is not shared. */
const MOST_WRITING = 32_000_000;
/** Deletions owed to a Redis that is away; if there are more, everything is deleted. */
const MOST_OWED = 100_000;

/**
 * L3: entries that instances share, in Redis. Each is judged when it is read, by what all instances have announced. It is kept as a record
 * like those on disk, but for its stamps, which are numbers of announcements, and its times, which are by Redis' clock.
 */
export class RedisTier implements Tier {
  readonly level = 'l3';
  readonly isShared = true;
  readonly #options: RedisTierOptions;
  /** What is on its way, by id. */
  readonly #writing = new Map<string, Promise<void>>();
  #writingBytes = 0;
  /** What may still lie there and must not. */
  readonly #owed = new Set<string>();
  /** Why the last write was refused. */
  #refusal: string | undefined;
  #hits = 0;
  #misses = 0;
  #faults = 0;
  #rawBytes = 0;
  #storedBytes = 0;

  constructor(options: RedisTierOptions) {
    this.#options = options;
  }

  async get(id: string): Promise<Entry | undefined> {
    return (await this.getMany([id])).get(id);
  }

  async getMany(ids: readonly string[]): Promise<ReadonlyMap<string, Entry>> {
    const { bus, keys, shared, stamps } = this.#options;
    const { epoch } = shared;
    const found = new Map<string, Entry>();
    if (!bus.isJoined || epoch === undefined || ids.length === 0) return found;
    const stamp = stamps.next();
    const records = await this.#read(ids.map((id) => keys.entries(epoch) + id));
    for (const [at, record] of records.entries()) {
      const id = ids[at] ?? '';
      // What was read belongs to a life of the table that may have ended.
      const entry = record && shared.epoch === epoch ? this.#accept(id, record, stamp) : undefined;
      if (entry !== undefined) found.set(id, entry);
    }
    this.#hits += found.size;
    this.#misses += ids.length - found.size;
    return found;
  }

  set(entry: Entry): void {
    const { shared, bus } = this.#options;
    const { id } = entry.key;
    const size = entry.payload.body.length;
    const ours = shared.toShared(entry);
    const isFull = this.#writingBytes + size > MOST_WRITING;
    if (ours === undefined || shared.epoch === undefined || !bus.isJoined || isFull) {
      this.#withhold(entry);
      return;
    }
    this.#writingBytes += size;
    this.#owed.delete(id);
    // Of two writes of one entry the second finds what the first has left.
    const before = this.#writing.get(id) ?? Promise.resolve();
    const written = before
      .then(() => this.#put({ ...ours, ...shifted(entry, bus.aheadMs) }))
      .then(() => {
        this.#writingBytes -= size;
        if (this.#writing.get(id) === written) this.#writing.delete(id);
      });
    this.#writing.set(id, written);
  }

  delete(id: string): void {
    const { keys, shared, link } = this.#options;
    if (shared.epoch === undefined || !link.isUp) this.#owe(id);
    else {
      const key = keys.entries(shared.epoch) + id;
      link.ask(key, ['UNLINK', key]).catch(() => this.#owe(id));
    }
  }

  touch(): void {}

  async sweep(): Promise<void> {}

  async written(ids: readonly string[]): Promise<void> {
    await Promise.all(ids.map((id) => this.#writing.get(id)));
  }

  async clear(): Promise<Cleared> {
    const { link, keys, shared } = this.#options;
    let cleared = 0;
    let freedBytes = 0;
    if (shared.epoch === undefined) return { cleared, freedBytes };
    await link.scan(keys.entries(shared.epoch), async (page) => {
      const sizes = await Promise.all(page.map((key) => link.ask(key, ['STRLEN', key])));
      const gone = await Promise.all(page.map((key) => link.ask(key, ['UNLINK', key])));
      for (const [at, count] of gone.entries()) {
        cleared += Number(count);
        freedBytes += Number(count) * Number(sizes[at]);
      }
    });
    return { cleared, freedBytes };
  }

  /** Redis can be asked again: first what it must not have any more is deleted. */
  resume(): void {
    if (this.#owed.size > MOST_OWED) void this.clear().catch(() => undefined);
    const owed = [...this.#owed];
    this.#owed.clear();
    for (const id of owed) this.delete(id);
  }

  figures(): TierFigures {
    const { codec } = this.#options;
    const packed = { codec, rawBytes: this.#rawBytes, storedBytes: this.#storedBytes };
    return {
      hits: this.#hits,
      misses: this.#misses,
      evictions: 0,
      unexpired: 0,
      expirations: 0,
      faults: this.#faults,
      ...(codec !== 'none' && { compression: packed }),
    };
  }

  health(): TierHealth {
    const health = this.#options.bus.health();
    if (health.state !== 'ok' || this.#refusal === undefined) return health;
    return { state: 'degraded', reason: `Redis takes nothing: ${this.#refusal}` };
  }

  async close(): Promise<void> {
    await Promise.all(this.#writing.values());
  }

  /** What lies under these keys: in one round trip, and bounded in bytes. */
  async #read(keys: readonly string[]): Promise<readonly (Buffer | undefined)[]> {
    const most = Math.min(this.#options.maxRecord, Math.floor(MOST_READ / keys.length));
    if (keys.length === 1 || !this.#options.isOneServer)
      return await Promise.all(keys.map((key) => this.#readOne(key, most)));
    const steps: Promise<readonly (Buffer | undefined)[]>[] = [];
    for (let at = 0; at < keys.length; at += STEP)
      steps.push(this.#readStep(keys.slice(at, at + STEP), most));
    return (await Promise.all(steps)).flat();
  }

  async #readOne(key: string, most: number): Promise<Buffer | undefined> {
    const reply = await this.#attempt(this.#options.link.ask(key, ['GETRANGE', key, '0', String(most)]));
    // A longer one is another instance's, whose settings allow it.
    return Buffer.isBuffer(reply) && reply.length > 0 && reply.length <= most ? reply : undefined;
  }

  async #readStep(keys: readonly string[], most: number): Promise<readonly (Buffer | undefined)[]> {
    const { link } = this.#options;
    const [first = '', ...more] = keys;
    const bytes = String(most * keys.length);
    const reply = await this.#attempt(
      run((key, command) => link.ask(key, command), READ, [first, ...more], [bytes]),
    );
    return keys.map((_, at) => {
      const value: unknown = Array.isArray(reply) ? reply[at] : undefined;
      return Buffer.isBuffer(value) ? value : undefined;
    });
  }

  async #attempt(answer: Promise<unknown>): Promise<unknown> {
    try {
      return await answer;
    } catch {
      this.#faults += 1;
      return undefined;
    }
  }

  #accept(id: string, record: Buffer, stamp: number): Entry | undefined {
    const { shared, bus, clock, maxRecord } = this.#options;
    const read = fromRecord(record, id, digestOf(id), maxRecord);
    if (read === undefined) {
      this.#faults += 1;
      return undefined;
    }
    const entry = shared.toLocal(read, stamp);
    if (entry === undefined) return undefined;
    const body = exact(entry.payload.body);
    const times = shifted(entry, -bus.aheadMs);
    if (isOver(times, clock.now())) return undefined;
    return { ...entry, ...times, payload: { ...entry.payload, body } };
  }

  /**
   * Writes a shared entry, unless there is a younger one. Where another instance has put the same answer, it keeps what either says of it;
   * and where others come between again and again, it is not shared. Does not reject.
   */
  async #put(entry: Entry): Promise<void> {
    const { link, keys, shared, codec, maxRecord } = this.#options;
    const { id } = entry.key;
    const key = keys.entries(shared.epoch ?? '') + id;
    const digest = digestOf(id);
    let ours = entry;
    let head: Buffer = Buffer.alloc(0);
    try {
      for (let attempt = 1; attempt <= ATTEMPTS && !tooMany(ours.tags); attempt += 1) {
        const record = toRecord(ours, digest, codec);
        if (record.length > maxRecord) break;
        const args = [record, String(Math.floor(ours.keepUntil)), head];
        const reply = await run((of, command) => link.ask(of, command), PUT, [key], args);
        this.#refusal = undefined;
        if (!Buffer.isBuffer(reply)) {
          const isPacked = ours.payload.form !== 'vector';
          this.#rawBytes += isPacked ? ours.payload.body.length : 0;
          this.#storedBytes += isPacked ? record.length : 0;
          return;
        }
        head = reply.subarray(0, HEAD);
        const theirs = fromRecord(reply, id, digest, maxRecord);
        if (theirs === undefined) continue;
        if (isSameAnswer(ours, theirs)) ours = { ...ours, tags: withTagged(ours.tags, theirs.tags) };
        else if (theirs.born > ours.born && shared.toLocal(theirs, 0) !== undefined) return;
      }
    } catch (thrown) {
      this.#faults += 1;
      this.#refusal = messageOf(thrown);
    }
    this.#withhold(ours);
  }

  /** The entry is not shared. What lies there instead stands by itself, but for tags that it may lack. */
  #withhold({ key, tags }: Entry): void {
    if (tags.length > 0) this.delete(key.id);
  }

  #owe(id: string): void {
    if (this.#owed.size <= MOST_OWED) this.#owed.add(id);
  }
}

/** Whether two are of one answer, and not of two that say the same: they may be said to speak of different things. */
function isSameAnswer(one: Entry, other: Entry): boolean {
  return one.born === other.born && one.payload.body.equals(other.payload.body);
}

/** Times by a clock that is ahead by so many milliseconds. */
function shifted({ born, freshUntil, staleUntil, keepUntil }: Times, by: number): Times {
  return {
    born: born + by,
    freshUntil: freshUntil + by,
    staleUntil: staleUntil + by,
    keepUntil: keepUntil + by,
  };
}
