import type { Watch } from '../cache/listed.ts';
import type { Level } from '../cache/tier.ts';
import type { Event } from '../observe/events.ts';
import type { Clock, Timer } from '../shared/clock.ts';
import type { Change, HubCalls } from './calls.ts';
import { EventsToTell, type SentEvent } from './told-events.ts';
import type { Wire } from './wire.ts';

/** How long things wait to be sent together, in milliseconds, and how many of them. */
const WAIT_MS = 100;
const MOST = 1_000;

/**
 * What a thread tells the hub by and by, many things at a time: what happens, what its L1 holds, what is in use. To send one event
 * alone costs ten times what it costs among others (measured).
 */
export class Outbox {
  readonly #wire: Wire<HubCalls>;
  readonly #clock: Clock;
  #changes: Change[] = [];
  readonly #events = new EventsToTell();
  /** By levels: what is asked for again and again is touched once. */
  readonly #touched = new Map<Level, Set<string>>();
  #waiting: Timer | undefined;
  #count = 0;

  constructor(wire: Wire<HubCalls>, clock: Clock) {
    this.#wire = wire;
    this.#clock = clock;
  }

  /** Tells of L1. */
  readonly watch: Watch = {
    held: (listed) => this.#change({ held: listed }),
    dropped: (id) => this.#change({ dropped: id }),
    emptied: () => this.#change({ emptied: true }),
  };

  readonly take = (event: Event): void => {
    this.#events.add(event.kind === 'fetched' ? sent(event) : event);
    this.#added();
  };

  readonly touched = (level: Level, id: string): void => {
    const ids = this.#touched.get(level) ?? new Set<string>();
    this.#touched.set(level, ids);
    const { size } = ids;
    if (ids.add(id).size > size) this.#added();
  };

  /** Sends what there is. */
  flush(): void {
    this.#waiting?.cancel();
    this.#waiting = undefined;
    if (this.#count === 0) return;
    const touched = [...this.#touched].flatMap(([level, ids]) => [...ids].map((id) => [level, id] as const));
    this.#wire.tell('happened', { changes: this.#changes, touched, told: this.#events.take() });
    this.#changes = [];
    this.#touched.clear();
    this.#count = 0;
  }

  #change(change: Change): void {
    this.#changes.push(change);
    this.#added();
  }

  #added(): void {
    this.#count += 1;
    if (this.#count >= MOST) this.flush();
    else this.#waiting ??= this.#clock.after(WAIT_MS, () => this.flush());
  }
}

/** More characters are not compared with other questions, and would be copied for nothing. */
const LONGEST_CONTENT = 65_536;

function sent({ question: ask, ...event }: Extract<Event, { readonly kind: 'fetched' }>): SentEvent {
  const question = ask?.();
  const isShort = question !== undefined && question.content.length <= LONGEST_CONTENT;
  return { ...event, entries: event.entries.map(idOf), question: isShort ? question : undefined };
}

function idOf({ key }: { readonly key: { readonly id: string } }): string {
  return key.id;
}
