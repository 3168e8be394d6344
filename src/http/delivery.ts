import { randomUUID } from 'node:crypto';
import type { Entry, Payload } from '../cache/entry.ts';
import type { Level } from '../cache/tier.ts';
import type { LiveView, Rendering } from '../endpoints/endpoint.ts';
import { isNotModified } from '../policy/condition.ts';
import type { Clock } from '../shared/clock.ts';
import { RepriseError } from '../shared/errors.ts';
import type { AnswerHead } from '../upstream/exchange.ts';
import type { Cursor } from '../upstream/recording.ts';
import type { Boarding, Landing } from './boarding.ts';
import type { Call, Relay } from './call.ts';
import type { Outcome, Report } from './report.ts';
import type { Served } from './served.ts';
import type { Shelf } from './shelf.ts';

/** An answer ready to go to one caller. */
export type Delivery =
  /** Complete in memory. `head` is the upstream's where this caller's own call brought it. */
  | {
      readonly kind: 'whole';
      readonly rendering: Rendering;
      readonly report: Report;
      readonly served: Served;
      readonly head: AnswerHead | undefined;
    }
  /** The upstream's bytes as they come, through this caller's view of them if it has one. */
  | {
      readonly kind: 'follow';
      readonly head: AnswerHead;
      readonly cursor: Cursor;
      readonly view: LiveView | undefined;
      readonly report: Report;
      readonly served: Served;
      /** Whether this caller's own call brought the answer: only then it carries the upstream's per-request headers. */
      readonly own: boolean;
      /** To be called when the answer is through. */
      readonly leave: () => void;
    }
  /** Whatever the upstream says to the request as it is. */
  | { readonly kind: 'relay'; readonly relay: Relay; readonly report: Report };

/** The upstream's own answer, untouched. */
export function fromUpstream(relay: Relay): Delivery {
  return { kind: 'relay', relay, report: { outcome: 'BYPASS', reason: relay.reason } };
}

/** An answer from what the cache holds, fresh or not at `now`. */
export function fromShelf(call: Call, shelf: Shelf, now: number): Delivery {
  const entries: (Entry | undefined)[] = [];
  let outcome: Outcome = 'HIT';
  for (const holding of shelf.holdings) {
    entries.push(holding?.entry);
    if (holding !== undefined && now >= holding.freshUntil) outcome = 'STALE';
  }
  const report = describe(call, shelf, now, outcome);
  const rendering = render(call, entries, now);
  return { kind: 'whole', rendering, report, served: new Held(entries), head: undefined };
}

/** What an answer was made of that the cache held. */
class Held implements Served {
  readonly #entries: readonly (Entry | undefined)[];

  constructor(entries: readonly (Entry | undefined)[]) {
    this.#entries = entries;
  }

  entries(): readonly (Entry | undefined)[] {
    return this.#entries;
  }

  isOwn(): boolean {
    return false;
  }

  ownMs(): undefined {
    return undefined;
  }
}

/** An answer from what was fetched and joined, together with what the cache held. */
export async function fromLanding(
  clock: Clock,
  call: Call,
  shelf: Shelf,
  boarding: Boarding,
  landing: Exclude<Landing, { kind: 'foreign' }>,
): Promise<Delivery> {
  const now = clock.now();
  const own = boarding.own !== undefined;
  const report = describe(call, shelf, now, outcomeOf(call, shelf, own));
  switch (landing.kind) {
    case 'failed':
      boarding.leave();
      throw landing.error;
    case 'stream':
    case 'answer': {
      const asked = own ? boarding.ownParts : call.keys.length;
      if (landing.kind === 'answer' && landing.head.status === 200 && asked < call.plan.order.length) {
        boarding.leave();
        throw unusable(call, landing.reason);
      }
      const { head, cursor } = landing;
      const view = landing.kind === 'stream' ? call.plan.view?.() : undefined;
      // Of a stream it is not known yet; an error says itself why it is not stored.
      const reason = landing.kind === 'answer' && head.status === 200 ? landing.reason : report.reason;
      const told = { ...report, reason, fwdStatus: own ? head.status : undefined };
      const served = servedBy(boarding, () => call.keys.map((_, part) => boarding.entryOf(part)));
      return { kind: 'follow', head, cursor, view, report: told, served, own, leave: () => boarding.leave() };
    }
    case 'entries': {
      const head = await boarding.own?.head;
      boarding.leave();
      const entries = shelf.holdings.map((holding, part) => landing.entries.get(part) ?? holding?.entry);
      const reason = landing.refused ?? report.reason;
      const told = { ...report, reason, fwdStatus: head?.status, stored: own && landing.stored };
      const rendering = render(call, entries, now);
      // The head is of an answer that this caller has already.
      const shown = rendering.status === 304 ? undefined : head;
      return {
        kind: 'whole',
        rendering,
        report: told,
        served: servedBy(boarding, () => entries),
        head: shown,
      };
    }
  }
}

function servedBy(boarding: Boarding, entries: Served['entries']): Served {
  return { entries, isOwn: (part) => boarding.isOwn(part), ownMs: () => boarding.own?.tookMs };
}

function render(call: Call, entries: readonly (Entry | undefined)[], now: number): Rendering {
  const payloads: Payload[] = [];
  for (const entry of entries) {
    if (entry === undefined) throw new Error('an answer is put together before all its parts are there');
    payloads.push(entry.payload);
  }
  const whole = call.plan.putTogether(payloads, { identity: call.directives.identity, now, newId });
  const condition = call.revalidation?.condition;
  if (condition === undefined || whole.status !== 200 || !isNotModified(condition, whole.headers))
    return whole;
  const validators = whole.headers.filter(([name]) => name === 'etag' || name === 'last-modified');
  return { status: 304, headers: validators, body: Buffer.alloc(0) };
}

function outcomeOf(call: Call, shelf: Shelf, own: boolean): Outcome {
  if (call.policy.mode === 'shadow') return 'BYPASS';
  if (call.directives.refresh) return 'REFRESH';
  if (shelf.lacking.length < call.keys.length) return 'PARTIAL';
  return own ? 'MISS' : 'COALESCED';
}

/** What a report says of the entries used: those of all parts, or of all that did not lack. */
function describe(call: Call, shelf: Shelf, now: number, outcome: Outcome): Report {
  const isHeld = outcome === 'HIT' || outcome === 'STALE';
  const fetched = isHeld ? NONE : new Set(shelf.lacking);
  let level: Level | undefined;
  let born = Number.POSITIVE_INFINITY;
  let freshUntil = Number.POSITIVE_INFINITY;
  for (let part = 0; part < shelf.holdings.length; part += 1) {
    const holding = shelf.holdings[part];
    if (holding === undefined || fetched.has(part)) continue;
    if (level === undefined || holding.level > level) level = holding.level;
    if (holding.entry.born < born) born = holding.entry.born;
    if (holding.freshUntil < freshUntil) freshUntil = holding.freshUntil;
  }
  const { order } = call.plan;
  let hits = 0;
  for (const part of order) if (!fetched.has(part)) hits += 1;
  return {
    outcome,
    level,
    key: call.keys.length === 1 ? call.keys[0]?.shown : undefined,
    reason: isHeld ? undefined : shelf.reason,
    parts: { hits, total: order.length },
    ageMs: level === undefined ? undefined : now - born,
    ttlMs: level === undefined ? undefined : freshUntil - now,
  };
}

const NONE: ReadonlySet<number> = new Set();

function unusable(call: Call, reason: string): RepriseError {
  return new RepriseError(
    'upstream_invalid',
    `The upstream "${call.upstream.name}" was asked for the items that are not cached and answered with something that cannot be put together with the others (${reason}).`,
  );
}

/** 24 random hexadecimal digits. */
function newId(): string {
  // Node draws the randomness of UUIDs in bulk: a tenth of the cost of asking for it each time. Of one, these are all random.
  const uuid = randomUUID();
  return uuid.slice(0, 8) + uuid.slice(9, 13) + uuid.slice(24);
}
