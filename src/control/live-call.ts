import type { Events } from '../observe/events.ts';
import { liveMessage } from '../observe/live-message.ts';
import type { Monitor } from '../observe/monitor.ts';
import { type Clock, every, type Timer } from '../shared/clock.ts';
import { RepriseError } from '../shared/errors.ts';
import { type ControlCall, controlCall } from './call.ts';
import { cacheJson, efficiencyJson, levelsJson } from './monitoring-json.ts';

/** What the live feed is told from. */
export interface LiveContext {
  readonly monitor: Monitor;
  readonly events: Events;
  readonly clock: Clock;
  readonly status: () => string;
  /** Whether the server goes on: at a stop all feeds end. */
  readonly accepting: () => boolean;
}

/** The most feeds at a time. */
const MOST_FEEDS = 50;
/** Bytes that may wait for a client before it is given up. */
const MOST_WAITING = 1_000_000;
/** Requests told in a second; above that a feed says how many it left out. */
const REQUESTS_A_SECOND = 50;
const SECOND_MS = 1_000;

/**
 * `GET /monitoring/events`: server-sent events (HTML §9.2) for live views. Each second the figures; requests, invalidations, deliveries,
 * alerts and what degrades as it happens. A client that does not keep up is cut off, and may come again.
 */
export function liveCall(context: LiveContext): ControlCall {
  const feeds = new Feeds(context);
  return controlCall('admin', '/monitoring/events', {
    GET: () =>
      new Response(feeds.open().stream, {
        headers: {
          'content-type': 'text/event-stream; charset=utf-8',
          // Read by nginx, which else would keep events back.
          'x-accel-buffering': 'no',
        },
      }),
  });
}

/** The feeds there are. All say the same, which is put together once, and nothing is while there are none. */
class Feeds {
  readonly #context: LiveContext;
  readonly #feeds = new Set<Feed>();
  #ticking: Timer | undefined;
  #deaf: (() => void) | undefined;
  /** Those of this second. */
  #requests = 0;

  constructor(context: LiveContext) {
    this.#context = context;
  }

  /** One more, which begins with the figures. Throws `overloaded` where there are too many. */
  open(): Feed {
    if (this.#feeds.size >= MOST_FEEDS) {
      throw new RepriseError('overloaded', `There are ${MOST_FEEDS} live feeds already.`, {
        retryAfterS: 60,
      });
    }
    if (this.#feeds.size === 0) this.#begin();
    const feed: Feed = new Feed(() => this.#ended(feed));
    this.#feeds.add(feed);
    feed.send(messageOf('figures', this.#figures()));
    return feed;
  }

  #begin(): void {
    const { clock, events } = this.#context;
    this.#requests = 0;
    this.#ticking = every(clock, SECOND_MS, () => this.#tick());
    this.#deaf = events.listen((event) => {
      if (event.kind === 'answered') this.#requests += 1;
      if (event.kind === 'answered' && this.#requests > REQUESTS_A_SECOND) return;
      const message = liveMessage(event, new Date(clock.now()).toISOString());
      if (message !== undefined) this.#tell(message.event, message.data);
    });
  }

  #ended(feed: Feed): void {
    this.#feeds.delete(feed);
    if (this.#feeds.size > 0) return;
    this.#ticking?.cancel();
    this.#deaf?.();
  }

  #tell(event: string, data: unknown): void {
    const bytes = messageOf(event, data);
    for (const feed of this.#feeds) feed.send(bytes);
  }

  #tick(): void {
    if (this.#context.accepting()) this.#tell('figures', this.#figures());
    else for (const feed of this.#feeds) feed.close();
    this.#requests = 0;
  }

  #figures(): object {
    const { monitor, status } = this.#context;
    return {
      cache: cacheJson(monitor, status()),
      ...levelsJson(monitor),
      efficiency: efficiencyJson(monitor),
      requests_omitted: Math.max(0, this.#requests - REQUESTS_A_SECOND),
    };
  }
}

/** What one client is sent. */
class Feed {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #ended: () => void;
  /** Undefined once it has ended. */
  #to: ReadableStreamDefaultController<Uint8Array> | undefined;

  /** `ended` is called once: when it is closed, given up, or left by its client. */
  constructor(ended: () => void) {
    this.#ended = ended;
    this.stream = new ReadableStream(
      {
        start: (to) => {
          this.#to = to;
        },
        cancel: () => this.#end(),
      },
      { highWaterMark: MOST_WAITING, size: (chunk) => chunk.byteLength },
    );
  }

  /** Sends bytes; a client for whom too many wait already is given up. */
  send(bytes: Uint8Array): void {
    this.#to?.enqueue(bytes);
    if (this.#to === undefined || (this.#to.desiredSize ?? 0) > 0) return;
    this.#to.error(new Error('this client does not keep up'));
    this.#end();
  }

  /** Ends it, with all that was sent. */
  close(): void {
    this.#to?.close();
    this.#end();
  }

  #end(): void {
    if (this.#to === undefined) return;
    this.#to = undefined;
    this.#ended();
  }
}

function messageOf(event: string, data: unknown): Uint8Array {
  return Buffer.from(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}
