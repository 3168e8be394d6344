import type { Answered, Event, Question, Spared, Usage } from '../observe/events.ts';

/** An event as it is sent: entries that were stored are with the hub already, and are named by their ids; a question is put together. */
export type SentEvent = Exclude<Event, { readonly kind: 'fetched' }> | SentFetched;
type SentFetched = Omit<Extract<Event, { readonly kind: 'fetched' }>, 'entries' | 'question'> & {
  readonly entries: readonly string[];
  readonly question: Question | undefined;
};

/**
 * Events on their way to the hub, in the order in which they were. A hit that is like an earlier one among them but for when and to whom
 * it was given is that one's place: to copy a number costs next to nothing, and an event as much as to answer what it tells of (measured).
 */
export interface ToldEvents {
  readonly events: readonly (SentEvent | number)[];
  /** Of each that is a place, in order: the milliseconds it took, and its request's id. */
  readonly ms: readonly number[];
  readonly requestIds: readonly string[];
}

type Keys = NonNullable<Answered['keys']>;

/** Gathers events to be told. */
export class EventsToTell {
  #events: (SentEvent | number)[] = [];
  #ms: number[] = [];
  #requestIds: string[] = [];
  /** The last of its kind, and its place, by what it was looked up with: its one key, or the list of them, which requests that are the same have in common. */
  readonly #last = new Map<string | Keys, { readonly event: Answered; readonly at: number }>();

  /** Takes the next event. A hit that is like the last one of its keys is told by the place of that. */
  add(event: SentEvent): void {
    const keys = event.kind === 'answered' && isHit(event) ? event.keys : undefined;
    if (keys === undefined || event.kind !== 'answered') return void this.#events.push(event);
    const [first] = keys;
    const asked = first !== undefined && keys.length === 1 ? first.id : keys;
    const last = this.#last.get(asked);
    if (last !== undefined && isLike(event, last.event)) {
      this.#events.push(last.at);
      this.#ms.push(event.ms);
      this.#requestIds.push(event.requestId);
    } else {
      this.#last.set(asked, { event, at: this.#events.length });
      this.#events.push(event);
    }
  }

  /** Gives what was gathered, and begins anew. */
  take(): ToldEvents {
    const told = { events: this.#events, ms: this.#ms, requestIds: this.#requestIds };
    this.#events = [];
    this.#ms = [];
    this.#requestIds = [];
    this.#last.clear();
    return told;
  }
}

/** The events that were told, in their order. */
export function* eventsIn({ events, ms, requestIds }: ToldEvents): Generator<SentEvent> {
  let again = 0;
  for (const event of events) {
    if (typeof event !== 'number') {
      yield event;
      continue;
    }
    const like = events[event];
    const took = ms[again];
    const requestId = requestIds[again];
    again += 1;
    if (typeof like !== 'object' || like.kind !== 'answered' || took === undefined || requestId === undefined)
      throw new Error('an event is told by the place of one that is not there');
    yield { ...like, ms: took, headMs: took, requestId };
  }
}

/** Whether it was through at once, and made nobody ask an upstream. */
function isHit({ keys = [], headMs, ms, upstreamMs, traced }: Answered): boolean {
  return keys.length > 0 && headMs === ms && upstreamMs === undefined && traced === undefined;
}

/** Whether two hits of the same keys tell the same but for their times and their requests. */
function isLike(one: Answered, other: Answered): boolean {
  return (
    one.outcome === other.outcome &&
    one.level === other.level &&
    one.status === other.status &&
    one.reason === other.reason &&
    one.method === other.method &&
    one.endpoint === other.endpoint &&
    one.type === other.type &&
    one.upstream === other.upstream &&
    one.model === other.model &&
    one.namespace === other.namespace &&
    one.key === other.key &&
    one.parts?.hits === other.parts?.hits &&
    one.parts?.total === other.parts?.total &&
    isSameUsage(one.usage, other.usage) &&
    isSameSpared(one.spared, other.spared)
  );
}

function isSameSpared(one: Spared | undefined, other: Spared | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return (
    one.calls === other.calls && one.upstreamMs === other.upstreamMs && isSameUsage(one.usage, other.usage)
  );
}

function isSameUsage(one: Usage | undefined, other: Usage | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return (
    one.model === other.model &&
    one.promptTokens === other.promptTokens &&
    one.completionTokens === other.completionTokens &&
    one.cachedTokens === other.cachedTokens &&
    one.cacheWriteTokens === other.cacheWriteTokens &&
    one.serviceTier === other.serviceTier
  );
}
