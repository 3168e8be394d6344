import type { Server } from 'node:http';
import type { Bus } from '../cache/bus.ts';
import type { Entry } from '../cache/entry.ts';
import { tooMany } from '../cache/tagged.ts';
import type { Level, Tier } from '../cache/tier.ts';
import type { ToldElsewhere } from '../composing/shared-lineage.ts';
import type { Event, Events } from '../observe/events.ts';
import { BriefMap } from '../shared/brief-map.ts';
import type { Cell } from '../shared/cell.ts';
import { atMost, type Clock } from '../shared/clock.ts';
import type { Place } from '../upstream/gate.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { Notice } from './bulletin.ts';
import type { Held, HubCalls } from './calls.ts';
import type { Holders } from './holders.ts';
import type { LatelySet } from './lately-set.ts';
import type { Leases } from './leases.ts';
import { Line } from './line.ts';
import { foundIn, pack, unpack } from './parcel.ts';
import type { PublishedMarks } from './replicas.ts';
import type { Thread } from './thread-at-hub.ts';
import { eventsIn, type SentEvent } from './told-events.ts';

/** What threads are served from. */
export interface DeskContext {
  readonly clock: Clock;
  readonly events: Events;
  readonly marks: PublishedMarks;
  /** The last stamp that was given. */
  readonly lastStamp: Cell;
  readonly bus: Bus;
  /** Those below the threads' own memories, the fastest first. */
  readonly tiers: readonly Tier[];
  /** Undefined where no instances share them. */
  readonly traces: ToldElsewhere | undefined;
  readonly upstreams: ReadonlyMap<string, Upstream>;
  readonly holders: Holders<Thread | 'hub'>;
  readonly leases: Leases<Thread>;
  readonly latelySet: LatelySet;
  /** Lets all threads know. */
  readonly notify: (notice: Notice) => void;
  /** What all threads know of traces, as `Lineage.restore` takes it. */
  readonly knownTraces: () => readonly unknown[];
  /** Purges everything with this tag, for a write to a vector store. */
  readonly purge: (tag: string) => Promise<void>;
  /** The control plane. It does not listen anywhere. */
  readonly control: Server;
  /** Receives what the other threads have sent up to now. */
  readonly drain: (except: Thread) => Promise<void>;
}

/** What the hub does for one thread. */
export class Desk {
  readonly #context: DeskContext;
  readonly #thread: Thread;
  /** What was set since the thread last told what has happened: the events of that name it. */
  readonly #set = new BriefMap<string, Entry>();
  /** Where its calls to upstreams stand. */
  readonly #places = new BriefMap<number, Place>();
  /** Gives up what it has of the instances' leases, by the numbers of its own. */
  readonly #fleet = new BriefMap<number, () => void>();
  #isClosed = false;

  constructor(context: DeskContext, thread: Thread) {
    this.#context = context;
    this.#thread = thread;
  }

  readonly calls: HubCalls = {
    join: () => ({ marks: [...this.#context.marks.all()], traces: this.#context.knownTraces() }),
    ready: () => this.#thread.began(),
    get: async ({ level, ids }) => {
      await this.#context.drain(this.#thread);
      return pack(await this.#find(this.#tier(level), ids));
    },
    set: ({ level, ...parcel }) => {
      for (const entry of unpack(parcel)) this.#take(level, entry);
    },
    remove: ({ level, id }) => this.#tier(level)?.delete(id),
    written: async ({ level, ids }) => {
      await this.#tier(level)?.written?.(ids);
    },
    lease: (id) => this.#lease(id),
    claim: ({ id, past }) => this.#claim(id, past),
    follow: ({ number, wish, port }) => {
      const taken = this.#context.leases.at(number);
      if (taken === undefined) port.close();
      else taken.owner.wire.tell('follow', { wish, port });
    },
    over: ({ lease, ms }) => atMost(this.#context.clock, ms, this.#context.leases.over(lease)),
    release: (lease) => this.#release(lease),
    note: async ({ id, tags }) => await this.#context.traces?.note(id, tags),
    told: async (ids) => await this.#context.traces?.told(ids),
    purge: (tag) => this.#context.purge(tag),
    happened: ({ changes, touched, told }) => {
      for (const change of changes) this.#context.holders.take(this.#thread, change);
      for (const [level, id] of touched) this.#tier(level)?.touch(id);
      for (const event of eventsIn(told)) this.#context.events.emit(this.#received(event));
      this.#set.clear();
    },
    enter: ({ upstream, call, open }) => this.#enter(upstream, call, open),
    leave: (call) => {
      this.#places.get(call)?.leave();
      this.#places.delete(call);
    },
    connect: ({ port, peer }) => void this.#context.control.emit('connection', new Line(port, peer)),
  };

  /** The thread is gone. */
  close(): void {
    this.#isClosed = true;
    for (const place of this.#places.values()) place.leave();
    for (const release of this.#fleet.values()) release();
    this.#context.leases.free(this.#thread);
    this.#context.holders.forget(this.#thread);
  }

  #tier(level: Level): Tier | undefined {
    return this.#context.tiers.find((tier) => tier.level === level);
  }

  async #find(tier: Tier | undefined, ids: readonly string[]): Promise<readonly Entry[]> {
    if (tier === undefined || !this.#context.bus.isCurrent) return [];
    return await foundIn(tier, ids);
  }

  #take(level: Level, entry: Entry): void {
    const { latelySet, notify } = this.#context;
    const { id } = entry.key;
    const merged = latelySet.merged(entry);
    if (tooMany(merged.tags)) {
      this.#tier(level)?.delete(id);
      notify({ kind: 'dropped', ids: [id] });
      return;
    }
    this.#tier(level)?.set(merged);
    this.#set.set(id, merged);
    if (merged !== entry) notify({ kind: 'stored', id, stamp: merged.stamp, tags: merged.tags });
  }

  /**
   * Of several threads that would fetch the same one does, and of several instances, too. Nobody waits for what began before an
   * invalidation: it may turn out to be meant, and whoever comes after it must not be served that.
   */
  async #lease(id: string): Promise<Held | { readonly elsewhere: number }> {
    const { leases, marks, lastStamp, bus, drain } = this.#context;
    await drain(this.#thread);
    // Nobody would give it back any more.
    if (this.#isClosed) return { held: 0, again: false };
    const before = leases.of(id);
    const isOld = before !== undefined && marks.latest > before.since;
    if (before !== undefined && before.owner !== this.#thread && !isOld) return { elsewhere: before.number };
    const hasEnded = leases.hasEnded(id);
    const { number } = leases.take(id, this.#thread, lastStamp.get());
    // The instances' lease is this one's already, or another's, for those who came before the invalidation.
    if (isOld) return { held: number, again: true };
    const lease = await bus.lease(id);
    if (lease?.kind === 'held') this.#hold(number, lease.release);
    // To look again costs another look into what instances share: for nothing, where no lease was to be had of them and no thread was here.
    if (lease?.kind !== 'elsewhere') return { held: number, again: lease !== undefined || hasEnded };
    // Other threads wait as this one does.
    void lease.over(LONGEST_WAIT_MS).then(() => leases.release(number));
    return { elsewhere: number };
  }

  /**
   * Of several threads that would stream the same one does. What has been sent is not received before, and other instances are not
   * waited for: who wants a stream wants it soon.
   */
  #claim(id: string, past: number): Held | { readonly there: number } {
    const { leases, marks, lastStamp, bus } = this.#context;
    const before = leases.of(id);
    const isUseful = before !== undefined && before.number > past && marks.latest <= before.since;
    if (isUseful && before.owner !== this.#thread) return { there: before.number };
    const { number } = leases.take(id, this.#thread, lastStamp.get());
    // Otherwise the instances' lease is this one's already, or asked for.
    if (before === undefined)
      void bus.lease(id)?.then((lease) => lease.kind === 'held' && this.#hold(number, lease.release));
    return { held: number, again: before !== undefined || leases.hasEnded(id) };
  }

  /** Has a lease of the instances, unless it was given back meanwhile, or its thread has gone. */
  #hold(number: number, release: () => void): void {
    if (this.#isClosed || this.#context.leases.at(number) === undefined) release();
    else this.#fleet.set(number, release);
  }

  #release(number: number): void {
    this.#context.leases.release(number);
    this.#fleet.get(number)?.();
    this.#fleet.delete(number);
  }

  #enter(name: string, call: number, open: boolean): void {
    const gate = this.#context.upstreams.get(name)?.gate;
    if (gate === undefined) return;
    let isRefused = false;
    const place = gate.enter({
      turn: () => {
        if (!open) this.#thread.wire.tell('turn', call);
      },
      refused: () => {
        isRefused = true;
        this.#places.delete(call);
        this.#thread.wire.tell('refused', { call, delayMs: gate.delayMs });
      },
    });
    if (!isRefused) this.#places.set(call, place);
  }

  #received(event: SentEvent): Event {
    if (event.kind !== 'fetched') return event;
    const { question, ...rest } = event;
    return {
      ...rest,
      entries: event.entries.flatMap((id) => this.#set.get(id) ?? []),
      ...(question && { question: () => question }),
    };
  }
}

/** As long as another instance may take for what this one would fetch. */
const LONGEST_WAIT_MS = 600_000;
