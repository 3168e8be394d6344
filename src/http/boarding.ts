import type { Entry, Tagged } from '../cache/entry.ts';
import type { AnswerHead } from '../upstream/exchange.ts';
import { forwardHeaders } from '../upstream/headers.ts';
import type { Cursor } from '../upstream/recording.ts';
import type { Call } from './call.ts';
import { tagsOf } from './call-tags.ts';
import { Fetch, type FetchContext } from './fetch.ts';
import { entryIn, type Flight, type Slot, wholeOf } from './flight.ts';
import type { Settled } from './settled.ts';

/** How a call's missing parts came, or why they did not. */
export type Landing =
  /** An entry for each part that was missing; `refused` says why they may not be stored. */
  | {
      readonly kind: 'entries';
      readonly entries: ReadonlyMap<number, Entry>;
      readonly stored: boolean;
      readonly refused: string | undefined;
    }
  /** An event stream under way, to be followed. */
  | { readonly kind: 'stream'; readonly head: AnswerHead; readonly cursor: Cursor }
  /** An answer to be passed on as it came. */
  | { readonly kind: 'answer'; readonly head: AnswerHead; readonly cursor: Cursor; readonly reason: string }
  | Extract<Settled, { kind: 'failed' }>
  /**
   * Another caller's answer, not for this one: it must ask itself, unless that is only `outdated`, `withdrawn` or `unfit` for the form this
   * one wants. Then it may wait for another that began later.
   */
  | { readonly kind: 'foreign'; readonly why: 'another' | 'outdated' | 'unfit' | 'withdrawn' };

/** The fetches one call waits for: its own, and those of others that it joined. */
export class Boarding {
  /** The call's own fetch, if it had to start one. */
  readonly own: Fetch | undefined;
  readonly #call: Call;
  readonly #seats = new Map<number, Slot>();
  readonly #cursors = new Map<Flight, Cursor>();
  /** Those it joined after an invalidation of a tag that they may yet turn out to speak of. */
  readonly #late = new Set<Flight>();

  /**
   * Joins the fetches under way for the parts `lacking`, unless `alone`, and starts one for the rest. There is no
   * waiting in here: between looking for a flight and opening one nothing else can run, so no part is fetched twice.
   * Throws what `admit` throws if a fetch is needed.
   */
  constructor(context: FetchContext, call: Call, lacking: readonly number[], alone: boolean) {
    this.#call = call;
    const now = context.clock.elapsed();
    const own: number[] = [];
    for (const part of lacking) {
      const key = call.keys[part];
      const slot = alone || key === undefined ? undefined : context.flights.find(key.id, now);
      if (slot !== undefined && welcomes(slot, call, part)) this.#seats.set(part, slot);
      else own.push(part);
    }
    if (own.length > 0) {
      this.own = startFetch(context, call, own);
      for (const [index, part] of own.entries()) this.#seats.set(part, { fetch: this.own, index });
    }
    for (const [part, { fetch, index }] of this.#seats) {
      fetch.tags.take(index, tagsOf(call, part, fetch.stamp), call.inherited.isWhole);
      if (context.marks.latestTag > fetch.stamp) this.#late.add(fetch);
      if (this.#cursors.has(fetch)) continue;
      this.#cursors.set(fetch, fetch.join(call.directives.ttlMs));
      if (fetch !== this.own) call.request.trace?.join(fetch.traced?.span);
    }
  }

  /** Resolves when it is known how the missing parts come: for a caller that wants a stream, when one begins. Never rejects. */
  async landed(): Promise<Landing> {
    const [sole] = this.#cursors;
    if (this.#call.plan.streams && sole !== undefined) {
      const [fetch, cursor] = sole;
      const head = await fetch.head.catch(() => undefined);
      if (head !== undefined && fetch.live) {
        await fetch.heard;
        return this.#outdated(fetch) ? OUTDATED : { kind: 'stream', head, cursor };
      }
    }
    return await this.complete();
  }

  /** Resolves when the missing parts have come whole, or will not. Never rejects. */
  async complete(): Promise<Landing> {
    const entries = new Map<number, Entry>();
    let stored = true;
    let refused: string | undefined;
    let foreign = false;
    let outdated = false;
    // Not the cursors: a caller that goes away meanwhile lets go of them all.
    for (const fetch of new Set([...this.#seats.values()].map((slot) => slot.fetch))) {
      const settled = await fetch.settled;
      if (settled.kind === 'withdrawn') return WITHDRAWN;
      if (this.#outdated(fetch)) {
        outdated = true;
        continue;
      }
      if (settled.kind === 'entries') {
        stored &&= settled.stored;
        refused ??= settled.refused;
        continue;
      }
      const mine = fetch === this.own || isOwnQuestion(fetch, this.#call);
      if (settled.kind === 'failed') {
        if (mine) return settled;
        foreign = true;
        continue;
      }
      // What a call's own question brought is its own to read; an event stream is no answer to who joined for JSON.
      const readable = fetch === this.own || !fetch.live || this.#call.plan.streams;
      if (mine && readable && !(settled.personal && fetch !== this.own)) {
        return await this.#passOn(fetch, settled.reason);
      }
      foreign = true;
    }
    if (foreign) return FOREIGN;
    if (outdated) return OUTDATED;
    for (const [part, { fetch, index }] of this.#seats) {
      const settled = await fetch.settled;
      const entry = entryIn(settled, index);
      if (entry === undefined) continue;
      if (fetch !== this.own && !this.#call.plan.serves(entry.payload)) return UNFIT;
      entries.set(part, entry);
    }
    return { kind: 'entries', entries, stored, refused };
  }

  /** The parts that came with the call's own fetch; the other missing ones came with another caller's. */
  get ownParts(): number {
    let count = 0;
    for (const { fetch } of this.#seats.values()) if (fetch === this.own) count += 1;
    return count;
  }

  /** Whether a part came, or comes, with the call's own fetch. */
  isOwn(part: number): boolean {
    return this.own !== undefined && this.#seats.get(part)?.fetch === this.own;
  }

  /** The entry of a part it waits for; undefined before there is one, or if there is none. */
  entryOf(part: number): Entry | undefined {
    const slot = this.#seats.get(part);
    return entryIn(slot?.fetch.result, slot?.index ?? 0);
  }

  /** What the parts it waits for speak of, as far as it is known. */
  get tags(): readonly Tagged[] {
    return [...this.#seats.values()].flatMap(({ fetch, index }) => fetch.tags.of(index));
  }

  /** Whether that is all they speak of. */
  get knowsTags(): boolean {
    return [...this.#seats.values()].every(({ fetch }) => !fetch.tags.incomplete);
  }

  /** Lets go of every fetch. To be called once, when the caller has its answer or has gone. */
  leave(): void {
    for (const [fetch, cursor] of this.#cursors) fetch.leave(cursor);
    this.#cursors.clear();
  }

  /** Whether what a fetch brings was, as is known by now, invalidated before this call came: it then asks anew. */
  #outdated(fetch: Flight): boolean {
    if (!this.#late.has(fetch)) return false;
    const seats = [...this.#seats].filter(([, slot]) => slot.fetch === fetch);
    return !seats.every(([part, { index }]) =>
      fetch.isUntouched(index, tagsOf(this.#call, part, fetch.stamp)),
    );
  }

  async #passOn(fetch: Flight, reason: string): Promise<Landing> {
    const cursor = this.#cursors.get(fetch);
    if (cursor === undefined) return FOREIGN;
    return { kind: 'answer', head: await fetch.head, cursor, reason };
  }
}

/** Whether `fetch` asked just what `call` would have asked, with the same credential: its failure is then the call's own. */
function isOwnQuestion(fetch: Flight, call: Call): boolean {
  return fetch.asker === call.caller.asker && fetch.whole === wholeOf(call.keys);
}

const FOREIGN: Landing = { kind: 'foreign', why: 'another' };
const OUTDATED: Landing = { kind: 'foreign', why: 'outdated' };
const UNFIT: Landing = { kind: 'foreign', why: 'unfit' };
const WITHDRAWN: Landing = { kind: 'foreign', why: 'withdrawn' };

/** Whether `call` may share what a fetch brings for one of its parts. */
export function welcomes({ fetch, index }: Slot, call: Call, part: number): boolean {
  const { plan } = call;
  if (!call.trusted || call.policy.mode === 'shadow') return false;
  if (!fetch.isUntouched(index, tagsOf(call, part, fetch.stamp))) return false;
  if (call.directives.refresh || fetch.plan.company !== plan.company) return false;
  if (!plan.streams) return true;
  // Who wants a stream starts one even while a JSON call runs: its first words come sooner. Others then join that.
  return fetch.plan.streams && fetch.plan.liveCompany === plan.liveCompany;
}

/** Starts a call upstream for the parts `asked`. Throws what `admit` throws. */
function startFetch(context: FetchContext, call: Call, asked: readonly number[]): Fetch {
  const body = call.plan.narrow(asked);
  const { upstream, upstreamPath: path, method, request } = call;
  const traced = request.trace?.call({ upstream, method, path, model: call.plan.label });
  return new Fetch(context, {
    plan: call.plan,
    asked,
    caller: call.caller,
    realm: call.realm,
    keys: asked.flatMap((part) => call.keys[part] ?? []),
    upstream,
    path,
    method,
    headers: forwardHeaders(request.rawHeaders, {
      reads: true,
      credential: upstream.credential,
      trace: traced?.headers,
      // What all are to be given is asked for whole.
      ...(call.revalidation && { without: ['if-none-match', 'if-modified-since'] }),
    }),
    body: body.length > 0 ? body : null,
    policy: call.policy,
    ttlMs: call.directives.ttlMs,
    quota: call.quota,
    traced,
  });
}
