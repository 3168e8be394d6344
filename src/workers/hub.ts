import { createServer, type Server } from 'node:http';
import type { Bus } from '../cache/bus.ts';
import { type Listed, UNWATCHED, type Watch } from '../cache/listed.ts';
import type { Store } from '../cache/store.ts';
import type { Tier, TierHealth } from '../cache/tier.ts';
import type { ToldElsewhere } from '../composing/shared-lineage.ts';
import type { Settings } from '../config/schema.ts';
import type { RequestListener } from '../http/request.ts';
import type { Events } from '../observe/events.ts';
import type { Lineage } from '../policy/lineage.ts';
import type { Cell } from '../shared/cell.ts';
import type { Clock } from '../shared/clock.ts';
import type { Upstream, UpstreamInCommon } from '../upstream/upstream.ts';
import { Bulletin, type Notice } from './bulletin.ts';
import { Crew } from './crew.ts';
import { Desk } from './desk.ts';
import { Holders } from './holders.ts';
import { InCommon } from './in-common.ts';
import { LatelySet } from './lately-set.ts';
import { Leases } from './leases.ts';
import { PublishedMarks, SharedGraves } from './replicas.ts';
import { Reports } from './reports.ts';
import type { Thread } from './thread-at-hub.ts';

/** What threads need of the hub, beside what it has made itself. */
export interface HubContext {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly events: Events;
  readonly env: NodeJS.ProcessEnv;
  readonly secret: Buffer;
  /** The tiers below the threads' memories, the fastest first; where there is no disk, the hub's own memory is the first. */
  readonly tiers: readonly Tier[];
  readonly bus: Bus;
  /** Is told what all threads tell traces. */
  readonly lineage: Lineage;
  /** What traces were told at all instances; undefined where there is one. */
  readonly traces: ToldElsewhere | undefined;
  readonly upstreams: ReadonlyMap<string, Upstream>;
  /** Purges everything with this tag, for a write to a vector store. */
  readonly purge: (tag: string) => Promise<void>;
  readonly control: RequestListener;
  /** Closes all that lies behind the threads. */
  readonly close: () => Promise<void>;
}

/**
 * What the main thread is where others answer the requests: it alone has the tiers below L1, the log of marks, the figures and the
 * control plane, and everything that is to be one for all goes through it.
 */
export class Hub {
  readonly marks: PublishedMarks;
  readonly graves: SharedGraves;
  readonly #inCommon: InCommon;
  readonly #bulletin: Bulletin;
  readonly #reports = new Reports<Thread>();
  #holders: Holders<Thread | 'hub'> | undefined;
  #crew: Crew | undefined;
  #lineage: Lineage | undefined;

  constructor(settings: Settings, clock: Clock) {
    this.#inCommon = InCommon.create(settings, clock);
    // It makes what others are to hear of, and serves nothing itself; what traces are told it knows for those who come later.
    this.#bulletin = new Bulletin(this.#inCommon.commons.bulletin, (notice) => {
      if (notice.kind === 'traced') this.#lineage?.note(notice.owner, notice.id, notice.tags);
    });
    this.marks = new PublishedMarks(this.#bulletin);
    this.graves = new SharedGraves(this.#bulletin, clock);
  }

  /** What `Stamps` count with. */
  get lastStamp(): Cell {
    return this.#inCommon.lastStamp;
  }

  /** What an upstream of the hub's has in common with those of the threads. */
  readonly upstreamInCommon = (name: string): UpstreamInCommon => {
    return { memory: this.#inCommon.healthOf(name) };
  };

  /** What the hub's own memory tells what it holds, where `watch` is to be told what any thread does. */
  watchFor(watch: Watch): Watch {
    this.#holders = new Holders<Thread | 'hub'>(watch);
    return this.#holders.watchOf('hub');
  }

  /** The threads, once there are to be any. */
  get threads(): Crew['state'] | undefined {
    return this.#crew?.state;
  }

  /** Whether all threads are there, by the name of the check. */
  get checks(): readonly (readonly [name: string, TierHealth])[] {
    return [['workers', this.#crew?.health() ?? { state: 'ok' }]];
  }

  /** Resolves when everything has been told that has happened in any thread up to now. */
  async upToDate(): Promise<void> {
    await this.#crew?.report();
  }

  /** The hub's store as it is watched: with the figures of all threads. */
  watched(store: Store): Pick<Store, 'levels' | 'figures' | 'health'> {
    return {
      levels: store.levels,
      figures: () => this.#reports.figuresWith(store),
      health: () => store.health(),
    };
  }

  /** Has every thread forget the copies of these entries that it has in memory. */
  drop(entries: readonly Listed[]): void {
    this.#bulletin.post({ kind: 'dropped', ids: entries.map(({ key }) => key.id) });
  }

  /** The threads, to be started. */
  crew(context: HubContext): Crew {
    const { settings, clock, events, bus, tiers, lineage, traces, upstreams, purge } = context;
    this.#lineage = lineage;
    const { server } = settings;
    const desk = {
      clock,
      events,
      marks: this.marks,
      lastStamp: this.lastStamp,
      bus,
      tiers,
      upstreams,
      holders: this.#holders ?? new Holders<Thread | 'hub'>(UNWATCHED),
      leases: new Leases<Thread>(),
      latelySet: new LatelySet(),
      notify: (notice: Notice) => this.#bulletin.post(notice),
      traces,
      knownTraces: () => {
        this.#bulletin.catchUp();
        return [...lineage.records()];
      },
      purge,
      control: unheard(context.control),
      drain: (except: Thread) => crew.drain(except),
    };
    const crew = new Crew({
      clock,
      events,
      size: server.workers,
      start: {
        settings,
        env: context.env,
        secret: context.secret,
        commons: this.#inCommon.commons,
        levels: tiers.map(({ level, isShared = false }) => ({ level, isShared })),
        sharesTraces: traces !== undefined,
      },
      runningIn: (number) => this.#inCommon.runningIn(number),
      secure: server.tls !== undefined,
      drainMs: server.drain,
      reports: this.#reports,
      deskFor: (thread) => new Desk(desk, thread),
      close: async () => {
        this.#bulletin.catchUp();
        // Until it has left them the other instances tell of invalidations, which go out over the bulletin as they are kept.
        await context.close();
        this.#bulletin.close();
      },
    });
    this.#crew = crew;
    return crew;
  }
}

/** More than the threads take themselves, in bytes: what they have taken is not to be refused here. */
const MOST_HEAD = 65_536;

/** A server that listens nowhere: the threads bring it its connections, which they have checked. */
function unheard(control: RequestListener): Server {
  const server = createServer({
    requestTimeout: 0,
    headersTimeout: 0,
    requireHostHeader: false,
    maxHeaderSize: MOST_HEAD,
  });
  server.maxHeadersCount = 0;
  server.on('request', (incoming, response) => void control(incoming, response));
  return server;
}
