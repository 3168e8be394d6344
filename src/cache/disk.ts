import { Background } from '../shared/background.ts';
import type { Timer } from '../shared/clock.ts';
import { messageOf } from '../shared/errors.ts';
import { isOver } from '../shared/life.ts';
import { FolderLocked, type Trust } from './disk-folder.ts';
import type { DiskIndex, Slot } from './disk-index.ts';
import type { DiskOptions } from './disk-options.ts';
import { DiskQueue } from './disk-queue.ts';
import { DiskSession, type SessionOptions } from './disk-session.ts';
import { chargeOf, type Entry } from './entry.ts';
import { isCorrupted, isOutage, levelDb } from './leveldb.ts';
import { type Listed, listedOf, UNWATCHED, type Watch } from './listed.ts';
import { successor } from './succession.ts';
import type { OwnFigures, Tier, TierHealth } from './tier.ts';
import { TierCounts } from './tier-counts.ts';

const WRITE_BEHIND_MS = 50;
const RETRY_MS = 15_000;
/** Deletions owed to a disk that is away; if there are more, its contents are given up instead. */
const MAX_OWED = 100_000;

/** L2: entries on disk. Survives restarts and crashes; without a usable disk it is a tier that finds nothing. */
export class DiskTier implements Tier {
  readonly level = 'l2';
  readonly #options: DiskOptions;
  readonly #watch: Watch;
  readonly #queue: DiskQueue;
  readonly #background: Background;
  #session: DiskSession | undefined;
  /** The index of this session or, without one, of the last: what may still lie on the disk. */
  #index: DiskIndex | undefined;
  /** Settles when the folder of the last session is free. */
  #released: Promise<void> = Promise.resolve();
  /** Why there is no session. */
  #outage = '';
  /** How the next session meets what it finds. */
  #trust: Trust = 'full';
  /** How this session, or the last, met it. */
  #met: Trust = 'full';
  /** Whether the owner has been asked for its trust. */
  #asked = false;
  #flushTimer: Timer | undefined;
  #retryTimer: Timer | undefined;
  #closed = false;
  readonly #counts = new TierCounts();

  private constructor(options: DiskOptions) {
    this.#options = options;
    this.#watch = options.watch ?? UNWATCHED;
    this.#queue = new DiskQueue(options.maxQueue ?? Math.max(32_000_000, 2 * options.maxEntry));
    this.#background = new Background((label, message) => {
      this.#counts.failed();
      options.notify(`${label}: ${message}`);
    });
  }

  /**
   * Opens the tier, for use before all of its index is loaded. Throws {@link FolderLocked} if another process has the
   * folder; in any other trouble the tier is degraded, finds nothing, and tries again every 15 s.
   */
  static async open(options: DiskOptions): Promise<DiskTier> {
    const tier = new DiskTier(options);
    try {
      await tier.#begin();
    } catch (thrown) {
      if (thrown instanceof FolderLocked) throw thrown;
      tier.#out(messageOf(thrown), RETRY_MS);
    }
    return tier;
  }

  get(id: string): Entry | undefined | Promise<Entry | undefined> {
    const read = this.#session?.read(id);
    return read instanceof Promise ? read.then((entry) => this.#counts.read(entry)) : this.#counts.read(read);
  }

  async getMany(ids: readonly string[]): Promise<ReadonlyMap<string, Entry>> {
    const found = (await this.#session?.readMany(ids)) ?? new Map<string, Entry>();
    this.#counts.readMany(found.size, ids.length);
    return found;
  }

  stampOf(id: string): number {
    const session = this.#session;
    if (session === undefined) return 0;
    const waiting = this.#queue.look(id);
    const held = waiting === undefined ? session.index.get(id) : waiting.entry;
    return held === undefined || isOver(held, this.#options.clock.now()) ? 0 : held.stamp;
  }

  set(entry: Entry): void {
    const { id } = entry.key;
    if (entry.stamp < this.stampOf(id)) return;
    this.#take(successor(entry, this.#queue.look(id)?.entry));
    this.#flushSoon();
  }

  delete(id: string): void {
    const held = this.#index?.mayHold(id) ?? true;
    this.#queue.delete(id, held);
    this.#watch.dropped(id);
    this.#index?.remove(id);
    if (this.#session === undefined) this.#oweNoMoreThanFits();
    this.#flushSoon();
  }

  touch(id: string, now = this.#options.clock.now()): void {
    this.#session?.index.touch(id, now);
  }

  async sweep(): Promise<void> {
    await this.#during((session) => session.sweep());
  }

  /** Whether all that lies on the disk has been told to the watch, or nothing does. */
  get isListed(): boolean {
    return this.#session?.index.complete === true;
  }

  figures(): OwnFigures {
    const { maxBytes, codec } = this.#options;
    const { count: entries = 0, bytes = 0 } = this.#index ?? {};
    return { entries, bytes, maxBytes, queue: this.#queue.figures(), ...this.#counts.figures(codec) };
  }

  health(): TierHealth {
    const reason = this.#session === undefined ? this.#outage : this.#session.shortage;
    return reason === undefined ? { state: 'ok' } : { state: 'degraded', reason };
  }

  /** Writes all that is queued, without waiting for the moment at which that would happen by itself. */
  async flush(): Promise<void> {
    this.#flushTimer?.cancel();
    this.#flushTimer = undefined;
    await this.#during((session) => session.flush());
  }

  /**
   * Writes what is queued under `id`: then not even a crash brings back what was there before. False where the disk is away, which may
   * bring that back.
   */
  async settle(id: string): Promise<boolean> {
    while (this.#session !== undefined && this.#queue.look(id) !== undefined) {
      const { over } = this.#queue;
      this.#background.run('writing to the disk cache', this.flush());
      await over;
    }
    return this.#session !== undefined;
  }

  async close(): Promise<void> {
    await this.flush();
    this.#closed = true;
    this.#retryTimer?.cancel();
    const session = this.#session;
    this.#session = undefined;
    this.#outage = 'closed';
    if (session !== undefined) this.#release(session, true);
    await this.#background.drain();
  }

  #take(entry: Entry): void {
    const { maxEntry, maxBytes } = this.#options;
    if (entry.payload.body.length > maxEntry || chargeOf(entry) > maxBytes) this.delete(entry.key.id);
    else if (this.#session === undefined) this.#lose([entry.key.id]);
    else {
      this.#watch.held(listedOf(entry));
      this.#lose(this.#queue.put(entry));
    }
  }

  async #begin(): Promise<void> {
    const { folder, codec, maxBytes, maxEntry, clock, notify, maker = levelDb } = this.#options;
    const { least = () => 0 } = this.#options;
    const queue = this.#queue;
    const told = {
      onDropped: (slot: Slot) => this.#dropped(slot),
      onLoaded: (listed: Listed) => this.#watch.held(listed),
      onLost: (id: string) => {
        this.#counts.failed();
        this.#gone(id);
      },
      onPacked: (rawBytes: number, storedBytes: number) => this.#counts.packed(rawBytes, storedBytes),
      onFault: () => this.#counts.failed(),
    };
    const options = { folder, maker, queue, codec, maxBytes, maxEntry, clock, least, notify, ...told };
    await this.#released;
    const session = await this.#open(options);
    if (this.#closed) return session.close();
    if (this.#met === 'none') queue.clear();
    for (const id of queue.owed()) session.index.remove(id);
    this.#session = session;
    this.#index = session.index;
    this.#outage = '';
    this.#background.run('loading the index of the disk cache', this.#load(session));
  }

  /** Opens the folder. Only who has it to himself can know whether it is to be trusted: another process may still have added to its log. */
  async #open(options: SessionOptions): Promise<DiskSession> {
    this.#met = this.#trust;
    const session = await DiskSession.open(options, this.#met);
    if (this.#asked) return session;
    this.#asked = true;
    if ((await this.#options.trusted?.()) ?? true) return session;
    await session.close();
    this.#trust = 'none';
    return this.#open(options);
  }

  async #load(session: DiskSession): Promise<void> {
    try {
      await session.load();
      this.#trust = 'full';
    } catch (thrown) {
      this.#fail(session, thrown, !isOutage(thrown));
    }
    await this.flush();
  }

  /** Does `work` if there is a session, which is over if that fails. */
  async #during(work: (session: DiskSession) => Promise<void>): Promise<void> {
    const session = this.#session;
    if (session === undefined) return;
    try {
      await work(session);
    } catch (thrown) {
      // Left alone, damage that a compaction has met ends every session to come as well.
      this.#fail(session, thrown, isCorrupted(thrown));
    }
  }

  /** Ends a session. Tables that are `damaged` may be mended; if the mended ones are no better, they are given up. */
  #fail(session: DiskSession, thrown: unknown, damaged: boolean): void {
    if (this.#session !== session) return;
    if (damaged) this.#trust = this.#met === 'full' ? 'repair' : 'none';
    this.#session = undefined;
    this.#counts.failed();
    this.#queue.failed();
    this.#lose(this.#queue.dropAll());
    // What still lies there is told of again when it is found.
    this.#watch.emptied();
    this.#release(session);
    // What can be mended need not wait. What was begun anew and is no better would be given up as fast as that goes.
    this.#out(messageOf(thrown), damaged && this.#met !== 'none' ? 0 : RETRY_MS);
  }

  /** Lets go of the folder; the next session waits for that. */
  #release(session: DiskSession, inOrder = false): void {
    const released = session.close(inOrder);
    this.#released = released.catch(() => undefined);
    this.#background.run('closing the disk cache', released);
  }

  /** Notes an outage, and tries to end it after `delay` milliseconds. */
  #out(reason: string, delay: number): void {
    if (reason !== this.#outage) this.#options.notify(`running without the disk cache: ${reason}`);
    this.#outage = reason;
    if (this.#closed) return;
    this.#retryTimer = this.#options.clock.after(delay, () => this.#again());
  }

  #again(): void {
    const attempt = this.#begin().then(
      () => {
        if (this.#session !== undefined) this.#options.recovered?.('the disk cache is back');
      },
      (thrown: unknown) => this.#out(messageOf(thrown), RETRY_MS),
    );
    this.#background.run('reopening the disk cache', attempt);
  }

  #flushSoon(): void {
    if (this.#session === undefined) return;
    this.#flushTimer ??= this.#options.clock.after(WRITE_BEHIND_MS, () => {
      this.#background.run('writing to the disk cache', this.flush());
    });
  }

  /** Entries that will not be written: neither must what they would have replaced come back. */
  #lose(ids: readonly string[]): void {
    this.#counts.failed(ids.length);
    for (const id of ids) this.delete(id);
  }

  #oweNoMoreThanFits(): void {
    if (this.#queue.owed().size <= MAX_OWED) return;
    this.#queue.clear();
    this.#trust = 'none';
  }

  /** A record is given up: the end of its entry, unless there is a newer one that has yet to be written. */
  #gone(id: string): void {
    if (this.#queue.look(id)?.entry === undefined) this.#watch.dropped(id);
  }

  #dropped(slot: Slot): void {
    this.#gone(slot.id);
    this.#counts.dropped(slot, this.#options.clock.now());
  }
}
