import type { Codec } from '../codec/compress.ts';
import { exact } from '../codec/exact.ts';
import type { Clock } from '../shared/clock.ts';
import { isOver } from '../shared/life.ts';
import type { Stamps } from '../shared/stamps.ts';
import type { Entry, Times } from './entry.ts';
import { digestOf, fromRecord } from './record.ts';
import type { RedisKeys } from './redis-keys.ts';
import type { RedisLink } from './redis-link.ts';
import { run } from './redis-run.ts';
import { READ } from './redis-scripts.ts';
import { RedisWrites } from './redis-writes.ts';
import type { SharedMarks } from './shared-marks.ts';
import type { Cleared, Tier, TierFigures, TierHealth } from './tier.ts';
import type { TierCounts } from './tier-counts.ts';

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

/**
 * L3: entries that instances share, in Redis. Each is judged when it is read, by what all instances have announced. It is kept as a record
 * like those on disk, but for its stamps, which are numbers of announcements, and its times, which are by Redis' clock.
 */
export class RedisTier implements Tier {
  readonly level = 'l3';
  readonly isShared = true;
  readonly #options: RedisTierOptions;
  readonly #writes: RedisWrites;
  /** Those of what is written, too. */
  readonly #counts: TierCounts;

  constructor(options: RedisTierOptions) {
    this.#options = options;
    const { keys, shared, bus } = options;
    const keyOf = (id: string) =>
      shared.epoch !== undefined && bus.isJoined ? keys.entries(shared.epoch) + id : undefined;
    this.#writes = new RedisWrites({ ...options, keyOf });
    this.#counts = this.#writes.counts;
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
    this.#counts.readMany(found.size, ids.length);
    return found;
  }

  set(entry: Entry): void {
    const { shared, bus } = this.#options;
    const ours = shared.toShared(entry);
    if (ours === undefined) this.#writes.withhold(entry);
    else this.#writes.put({ ...ours, ...shifted(entry, bus.aheadMs) });
  }

  delete(id: string): void {
    this.#writes.delete(id);
  }

  touch(): void {}

  async sweep(): Promise<void> {}

  async written(ids: readonly string[]): Promise<void> {
    await this.#writes.done(ids);
  }

  async clear(): Promise<Cleared> {
    const { link, keys, shared } = this.#options;
    let cleared = 0;
    let freedBytes = 0;
    if (shared.epoch === undefined) return { cleared, freedBytes };
    await link.scan(keys.entries(shared.epoch), async (page) => {
      const sizes = await Promise.all(page.map((key) => link.askPatiently(key, ['STRLEN', key])));
      const gone = await Promise.all(page.map((key) => link.askPatiently(key, ['UNLINK', key])));
      for (const [at, count] of gone.entries()) {
        cleared += Number(count);
        freedBytes += Number(count) * Number(sizes[at]);
      }
    });
    return { cleared, freedBytes };
  }

  /** Redis can be asked again: first what it must not have any more is deleted. */
  resume(): void {
    if (this.#writes.resume()) return;
    // Where that fails it is tried again with the next connection.
    void this.clear().then(
      () => this.#writes.cleared(),
      () => undefined,
    );
  }

  figures(): TierFigures {
    return { ...this.#counts.figures(this.#options.codec), queue: this.#writes.queue };
  }

  health(): TierHealth {
    const health = this.#options.bus.health();
    const { refusal } = this.#writes;
    if (health.state !== 'ok' || refusal === undefined) return health;
    return { state: 'degraded', reason: `Redis takes nothing: ${refusal}` };
  }

  async close(): Promise<void> {
    await this.#writes.done();
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
      this.#counts.failed();
      return undefined;
    }
  }

  #accept(id: string, record: Buffer, stamp: number): Entry | undefined {
    const { shared, bus, clock, maxRecord } = this.#options;
    const read = fromRecord(record, id, digestOf(id), maxRecord);
    if (read === undefined) {
      this.#counts.failed();
      return undefined;
    }
    const entry = shared.toLocal(read, stamp);
    if (entry === undefined) return undefined;
    const body = exact(entry.payload.body);
    const times = shifted(entry, -bus.aheadMs);
    if (isOver(times, clock.now())) return undefined;
    return { ...entry, ...times, payload: { ...entry.payload, body } };
  }
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
