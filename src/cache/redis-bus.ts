import { atMost, type Clock, every, type Timer } from '../shared/clock.ts';
import { messageOf } from '../shared/errors.ts';
import { Histogram } from '../shared/histogram.ts';
import type { Stamps } from '../shared/stamps.ts';
import type { Numbered } from './announced.ts';
import type { Bus, BusFigures, Lease, Peer, Place, Reception, Replica } from './bus.ts';
import { type Heard, readHeard } from './heard.ts';
import { Intake } from './intake.ts';
import type { Mark } from './mark.ts';
import { Outbox } from './outbox.ts';
import { Peers } from './peers.ts';
import { reconcile } from './reconcile.ts';
import type { RedisConnection } from './redis-client.ts';
import type { RedisKeys } from './redis-keys.ts';
import type { RedisLeases } from './redis-leases.ts';
import type { RedisLink } from './redis-link.ts';
import type { Send } from './redis-run.ts';
import type { SharedMarks } from './shared-marks.ts';
import type { SharedSecret } from './shared-secret.ts';
import { type Beat, LEAVES, type SharedTable } from './shared-table.ts';
import type { TierHealth } from './tier.ts';

/** What a bus works with. */
export interface RedisBusOptions {
  readonly link: RedisLink;
  readonly table: SharedTable;
  readonly shared: SharedMarks;
  readonly keys: RedisKeys;
  readonly leases: RedisLeases;
  readonly secret: SharedSecret;
  readonly self: Peer;
  readonly stamps: Stamps;
  readonly clock: Clock;
  /** Told each time that it has caught up with the others. */
  readonly onCaughtUp: () => void;
}

const BEAT_MS = 1_000;
/** How long an invalidation waits for the others. */
const PATIENCE_MS = 1_000;
/** By how much a clock must have moved for that to be noticed: nobody can measure it much better. */
const CLOCK_MS = 250;
const OTHER_SECRET =
  'the other instances share another secret by now, and find nothing of this one: start it again';
/** How long a start waits for Redis. */
const START_MS = 2_000;

/** The bus over Redis: a table of announcements with numbers, a channel on which they are told, and beats by which instances are known. */
export class RedisBus implements Bus {
  readonly #options: RedisBusOptions;
  readonly #peers: Peers;
  readonly #outbox: Outbox;
  readonly #intake: Intake;
  readonly #lag = new Histogram();
  #replica: Replica | undefined;
  /** How far everything is applied here; undefined before the table was ever read whole. */
  #place: Place | undefined;
  /** Whether announcements are missing here, as is known. */
  #isBehind = false;
  /** What is told while the table is read, to be looked at afterwards; undefined while it is not. */
  #early: Heard[] | undefined;
  /** The last number that a beat has told: it is missing if it is still not here at the next one. */
  #told = 0;
  /** Why beats fail; undefined while they do not. */
  #trouble: string | undefined;
  #beating: Timer | undefined;
  #aheadMs = 0;
  #gaps = 0;

  constructor(options: RedisBusOptions) {
    this.#options = options;
    this.#peers = new Peers(options.self, options.clock);
    this.#intake = new Intake(options);
    this.#outbox = new Outbox({
      announce: (send, texts) => this.#announce(send, texts),
      numbered: (stamp, said) => {
        options.shared.numbered(stamp);
        this.#replica?.handed(stamp, said);
      },
    });
  }

  get isCurrent(): boolean {
    return this.#place !== undefined && !this.#isBehind;
  }

  /** Whether what is shared may be asked for: this instance is told of everything now. */
  get isJoined(): boolean {
    return this.#options.link.isPrompt && this.isCurrent && this.#trouble === undefined;
  }

  /** By how many whole milliseconds Redis' clock is ahead of this instance's: 0 where that is too little to be measured. */
  get aheadMs(): number {
    return this.#aheadMs;
  }

  async join(replica: Replica): Promise<void> {
    const { clock, link, shared } = this.#options;
    this.#replica = replica;
    shared.owe(replica.unsent);
    void this.#outbox.put(replica.unsent);
    this.#beating = every(clock, BEAT_MS, () => void this.#beat());
    await atMost(clock, START_MS, link.open());
  }

  /** Prepares a connection: everything that was announced meanwhile is known before anybody uses it. */
  async greet(connection: RedisConnection): Promise<void> {
    const { keys, link } = this.#options;
    const send: Send = (key, command) => link.patiently(connection.send(key, command));
    this.#early = [];
    await link.patiently(connection.subscribe(keys.channel, (message) => this.#hear(readHeard(message))));
    await link.patiently(connection.subscribe(keys.acks, (message) => this.#hearAck(message)));
    await this.#catchUp(send);
  }

  async publish(marks: readonly Mark[]): Promise<Reception> {
    const { shared, clock, link } = this.#options;
    const began = clock.elapsed();
    shared.owe(marks);
    const numbered = this.#outbox.put(marks);
    if (!link.isUp) return this.#peers.reception(undefined);
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = clock.after(PATIENCE_MS, resolve);
    // What Redis does not take now is handed over later: whoever waits has no more of it.
    const tried = Promise.race([this.#outbox.empty(this.#send), late]).then(() => undefined);
    const seq = await Promise.race([numbered, tried]);
    if (seq !== undefined && !(await this.#peers.haveApplied(seq, late)))
      this.#lag.record((clock.elapsed() - began) * 1_000);
    timer.cancel();
    return this.#peers.reception(seq);
  }

  lease(id: string): Promise<Lease> | undefined {
    const { link, leases } = this.#options;
    return this.isJoined && link.isBrisk && this.#peers.all.length > 1 ? leases.take(id) : undefined;
  }

  figures(): BusFigures {
    const { link, leases } = this.#options;
    return {
      peers: this.#peers.all,
      lag: this.#lag,
      published: this.#outbox.sent,
      applied: this.#intake.applied,
      unsent: this.#outbox.size,
      gaps: this.#gaps,
      outages: link.outages,
      leases: leases.figures(),
    };
  }

  health(): TierHealth {
    const { link, secret } = this.#options;
    const behind = this.#isBehind ? 'catching up with the other instances' : undefined;
    const other = secret.isOther ? OTHER_SECRET : undefined;
    const reason = link.outage ?? this.#trouble ?? behind ?? other;
    return reason === undefined ? { state: 'ok' } : { state: 'degraded', reason };
  }

  async close(): Promise<void> {
    const { link, table } = this.#options;
    this.#beating?.cancel();
    if (link.isUp) await table.leave(this.#send).catch(() => undefined);
    link.close();
  }

  /** No request waits for what instances tell each other. */
  readonly #send: Send = (key, command) => this.#options.link.askPatiently(key, command);

  /** Says that this instance is there, and looks whether it has missed something: a channel may fall silent without a word. */
  async #beat(): Promise<void> {
    const { link } = this.#options;
    if (!link.isUp || this.#early !== undefined) return;
    try {
      const { place, hasSecret } = await this.#say(this.#send, this.#place);
      const isOther = place.epoch !== this.#place?.epoch;
      const isMissing = this.#told > (this.#place?.seq ?? 0);
      this.#told = place.seq;
      if (isMissing) this.#gaps += 1;
      if (isOther || isMissing || !hasSecret || this.#isBehind || this.#trouble !== undefined)
        await this.#catchUpAgain();
      else if (this.#outbox.size > 0) await this.#outbox.empty(this.#send);
    } catch (thrown) {
      this.#trouble = messageOf(thrown);
      // Another one has become the master.
      if (this.#trouble.startsWith('READONLY')) link.renew(this.#trouble);
    }
  }

  /** Reads what is missing. Where that fails the connection is given up: with the next one it is read before anything else. */
  async #catchUpAgain(heard?: Heard): Promise<void> {
    if (this.#early !== undefined) return;
    this.#isBehind = true;
    this.#early = heard === undefined ? [] : [heard];
    try {
      await this.#catchUp(this.#send);
    } catch (thrown) {
      this.#early = undefined;
      this.#options.link.renew(messageOf(thrown));
    }
  }

  async #catchUp(send: Send): Promise<void> {
    const { table, shared, secret, onCaughtUp } = this.#options;
    const replica = this.#replica;
    if (replica === undefined) throw new Error('the bus has nothing to work on yet');
    await secret.agree(send);
    const formerly = replica.place;
    const { place: now } = await this.#say(send, this.#place ?? formerly);
    const { announced } = replica;
    const { from, isApplied } = await reconcile(
      { table, send, announced, place: this.#place, formerly },
      now,
    );
    if ((this.#place ?? formerly)?.epoch !== now.epoch) announced.clear();
    if (this.#place?.epoch !== now.epoch) shared.begin(now.epoch);
    await this.#outbox.emptyOver(send);
    const kept: Promise<void>[] = [];
    let last = from;
    for await (const page of table.after(send, from)) {
      last = page.at(-1)?.[1] ?? last;
      kept.push(this.#intake.take(replica, page, isApplied, { epoch: now.epoch, seq: last }));
    }
    const place = { epoch: now.epoch, seq: Math.max(last, now.seq) };
    kept.push(this.#intake.take(replica, [], isApplied, place));
    await Promise.all(kept);
    this.#place = place;
    const early = this.#early ?? [];
    this.#early = undefined;
    this.#isBehind = false;
    this.#trouble = undefined;
    this.#told = 0;
    // What is told of another life of the table was told before this one began, or is of one that the next beat will find.
    for (const heard of early) if (heard.epoch === place.epoch) this.#hear(heard);
    onCaughtUp();
    await table.applied(send, place.seq);
  }

  /** Says that this instance is there, and takes in which others are, and what time Redis has. */
  async #say(send: Send, place: Place | undefined): Promise<Beat> {
    const { table, shared, clock } = this.#options;
    const began = clock.now();
    const beat = await table.beat(send, place);
    const ahead = beat.now - (began + clock.now()) / 2;
    // An entry that comes back has to have the times with which it went.
    if (Math.abs(ahead - this.#aheadMs) > CLOCK_MS) this.#aheadMs = Math.round(ahead);
    this.#peers.see(beat.peers);
    shared.retire(beat.place.seq - table.keptUs);
    return beat;
  }

  async #announce(send: Send, texts: readonly string[]): Promise<readonly Numbered[]> {
    // Also in a life of the table that is not known here yet: what lies under the names of the last one is older than any of these.
    const said = await this.#options.table.announceNew(send, texts);
    const replica = this.#replica;
    if (replica !== undefined) for (const [text, seq] of said) this.#intake.know(replica, text, seq);
    return said;
  }

  #hear(heard: Heard | undefined): void {
    const place = this.#place;
    const replica = this.#replica;
    if (heard === undefined) return;
    if (this.#early !== undefined || place === undefined || replica === undefined) {
      this.#early?.push(heard);
      return;
    }
    const last = heard.first + heard.said.length - 1;
    if (heard.epoch === place.epoch && last <= place.seq) return;
    if (heard.epoch !== place.epoch || heard.before > place.seq) {
      this.#gaps += 1;
      void this.#catchUpAgain(heard);
      return;
    }
    const said = heard.said.map((text, at): Numbered => [text, heard.first + at]);
    const isOwn = heard.from === this.#options.self.id;
    this.#place = { epoch: place.epoch, seq: last };
    const upTo = isOwn ? last : place.seq;
    const taken = this.#intake.take(replica, said, (_text, seq) => seq <= upTo, this.#place);
    void taken.then(() => this.#ack(last));
  }

  #ack(seq: number): void {
    this.#options.table.applied(this.#send, seq).catch(() => undefined);
  }

  #hearAck(message: string): void {
    const [id = '', said = ''] = message.split(' ');
    if (said === LEAVES) this.#peers.leave(id);
    else this.#peers.hear(id, Number(said) || 0);
  }
}
