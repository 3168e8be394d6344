import type { Events } from '../observe/events.ts';
import { liveMessage } from '../observe/live-message.ts';
import type { Monitor } from '../observe/monitor.ts';
import { type Clock, every } from '../shared/clock.ts';
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
  const feeds = new Set<Feed>();
  return controlCall('admin', '/monitoring/events', {
    GET() {
      if (feeds.size >= MOST_FEEDS) {
        throw new RepriseError('overloaded', `There are ${MOST_FEEDS} live feeds already.`, {
          retryAfterS: 60,
        });
      }
      const feed = new Feed(context, () => feeds.delete(feed));
      feeds.add(feed);
      return new Response(feed.stream, {
        headers: {
          'content-type': 'text/event-stream; charset=utf-8',
          'cache-control': 'no-store',
          // Read by nginx, which else would keep events back.
          'x-accel-buffering': 'no',
        },
      });
    },
  });
}

/** What one client is sent. */
class Feed {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #context: LiveContext;
  readonly #ended: () => void;
  readonly #stop: () => void;
  #to: ReadableStreamDefaultController<Uint8Array> | undefined;
  /** Requests of this second. */
  #requests = 0;

  constructor(context: LiveContext, ended: () => void) {
    this.#context = context;
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
    const { clock, events } = context;
    const ticking = every(clock, SECOND_MS, () => this.#tick());
    const deaf = events.listen((event) => {
      if (event.kind === 'answered') {
        this.#requests += 1;
        if (this.#requests > REQUESTS_A_SECOND) return;
      }
      const message = liveMessage(event, new Date(clock.now()).toISOString());
      if (message !== undefined) this.#send(message.event, message.data);
    });
    this.#stop = () => {
      ticking.cancel();
      deaf();
    };
    this.#figures();
  }

  #tick(): void {
    if (!this.#context.accepting()) {
      this.#to?.close();
      this.#end();
      return;
    }
    this.#figures();
  }

  #figures(): void {
    const { monitor, status } = this.#context;
    const omitted = Math.max(0, this.#requests - REQUESTS_A_SECOND);
    this.#requests = 0;
    this.#send('figures', {
      cache: cacheJson(monitor, status()),
      ...levelsJson(monitor),
      efficiency: efficiencyJson(monitor),
      requests_omitted: omitted,
    });
  }

  #send(event: string, data: unknown): void {
    if (this.#to === undefined) return;
    this.#to.enqueue(Buffer.from(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`));
    if ((this.#to.desiredSize ?? 0) > 0) return;
    this.#to.error(new Error('this client does not keep up'));
    this.#end();
  }

  #end(): void {
    this.#to = undefined;
    this.#stop();
    this.#ended();
  }
}
