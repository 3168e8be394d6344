import type { Order } from '../../../src/invalidation/invalidator.ts';
import { concerns } from '../../support/naive-marks.ts';
import { SAID, tagsOfAnswer, type Wish } from './wishes.ts';

/** A moment in a story: each thing that happens has a later one. */
type Moment = number;

/** Something that an answer speaks of: as of when, and since when that must be known. */
interface Spoken {
  readonly tag: string;
  readonly as: Moment;
  readonly known: Moment;
  /** Whether it was known when the answer was stored, and not only to who hit it later. */
  readonly first: boolean;
}

/** One part of what one upstream call brought. */
interface Item {
  readonly shown: string;
  readonly call: number;
  readonly founder: Asking;
  readonly began: Moment;
  spoken: Spoken[];
}

/** A request under way, or answered. */
export interface Asking {
  readonly wish: Wish;
  readonly began: Moment;
  /** The keys of its parts. */
  readonly shown: readonly string[];
  /** What its trace had been told. */
  readonly inherited: readonly { readonly tag: string; readonly as: Moment }[];
  /** For each part what has to be there for it. */
  readonly expected: Map<string, Held>;
}

/** What the cache has to have, until then (milliseconds of the clock). */
interface Held {
  readonly item: Item;
  readonly until: number;
}

interface Purge {
  readonly order: Pick<Order, 'condition' | 'effect'>;
  readonly called: Moment;
  resolved: Moment | undefined;
}

/**
 * What may and what must be answered, as the contract says it. Things have moments instead of stamps, everything is kept, and it is
 * known of each answer which upstream call brought it.
 */
export class Model {
  #now: Moment = 0;
  #purges: Purge[] = [];
  readonly #items = new Map<string, Item>();
  /** By shown key. */
  readonly #held = new Map<string, Held>();
  readonly #askings = new Set<Asking>();
  #told: { readonly tag: string; readonly as: Moment }[] = [];
  /** Which keys calls in a trace have asked for. */
  readonly #traced = new Set<string>();
  readonly #said = new Map<string, Set<string>>();
  /** Whether traces may have been told more than is known: a process was killed with what they had been told, or nobody could read an answer. */
  #isPartlyTold = false;
  /** Keys that somebody asked for in a trace after that: what is not known of him may be a reason to keep nothing. */
  readonly #unsure = new Set<string>();
  /** When an upstream call failed last, in monotonic milliseconds. */
  failedAt = Number.NEGATIVE_INFINITY;

  /** A request begins. */
  asked(wish: Wish, shown: readonly string[], now: number): Asking {
    const expected = new Map<string, Held>();
    for (const key of shown) {
      if (this.#isPartlyTold && wish.traced && inherits(wish)) this.#doubt(key);
      if (wish.tag !== 'none') this.#saidOf(key).add(wish.tag);
      if (wish.traced) this.#traced.add(key);
      const held = this.#held.get(key);
      if (held !== undefined && now < held.until) expected.set(key, held);
    }
    const began = this.#tick();
    const inherited = wish.traced && inherits(wish) ? this.#told : [];
    const asking = { wish, began, shown, inherited, expected };
    this.#askings.add(asking);
    return asking;
  }

  /** A request makes an upstream call for some of its parts, or somebody does behind it. */
  called(call: number, asking: Asking, shown: readonly string[], now: number): void {
    const began = this.#tick();
    for (const key of shown) {
      const item: Item = { shown: key, call, founder: asking, began, spoken: [] };
      this.#items.set(`${key} ${call}`, item);
      const known = { known: began, first: true };
      for (const tag of tagsOfAnswer(asking.wish)) item.spoken.push({ tag, as: began, ...known });
      this.#speaks(item, asking, true);
      const expected = asking.expected.get(key);
      if (expected === undefined || asking.wish.refresh || now >= expected.until) continue;
      if (this.#isUntouched(expected.item))
        throw new Error(
          `${key}: asked for again with call ${call}, though call ${expected.item.call} brought it`,
        );
    }
  }

  /** An upstream call ended well: what it brought is stored until then (milliseconds of the clock), unless it was invalidated. */
  landed(call: number, shown: readonly string[], until: number): void {
    for (const key of shown) {
      const item = this.#itemOf(key, call);
      const held = this.#held.get(key)?.item;
      if (held !== undefined && held.began > item.began) continue;
      if (this.#unsure.has(key)) this.#held.delete(key);
      else if (this.#isUntouched(item)) this.#held.set(key, { item, until });
      // What it would have replaced may be there still, or not.
      else if (held !== undefined) this.#held.delete(key);
    }
  }

  /** A request is answered with these, part by part. */
  served(
    asking: Asking,
    parts: readonly { readonly shown: string; readonly call: number }[],
    elapsed: number,
  ): void {
    for (const { shown, call } of parts) {
      const item = this.#itemOf(shown, call);
      if (item.founder !== asking) this.#mayBeServed(item, asking, elapsed);
      this.#mustBeLatest(item, asking);
      this.#speaks(item, asking, false);
      if (asking.wish.traced && !inherits(asking.wish)) this.#tell(item, asking);
    }
    this.#tick();
    this.#askings.delete(asking);
  }

  /** An invalidation is asked for. */
  invalidating(order: Pick<Order, 'condition' | 'effect'>): () => void {
    const purge: Purge = { order, called: this.#tick(), resolved: undefined };
    this.#purges.push(purge);
    return () => {
      purge.resolved = this.#tick();
    };
  }

  /** A process ended, or was killed: then what it had not written is gone, and it is not known what that was. */
  ended(killed: boolean): void {
    this.#askings.clear();
    if (!killed) return;
    this.#isPartlyTold = true;
    this.#told = [];
    this.forgot();
    for (const item of this.#items.values()) item.spoken = item.spoken.filter(({ first }) => first);
  }

  /** An answer that says what it speaks of could not be read, and was given out all the same. */
  unread(): void {
    this.#isPartlyTold = true;
  }

  /** Nothing has to be there any more, though it may be. */
  forgot(): void {
    this.#held.clear();
  }

  /** Copies in memory were dropped: who was just looking may miss what was written meanwhile. */
  dropped(): void {
    for (const { expected } of this.#askings) expected.clear();
  }

  /** From now on this need not be there. */
  #doubt(key: string): void {
    this.#unsure.add(key);
    this.#held.delete(key);
    for (const { expected } of this.#askings) expected.delete(key);
  }

  #mayBeServed(item: Item, asking: Asking, elapsed: number): void {
    const { began, wish, inherited } = asking;
    const known = item.spoken.filter((spoken) => spoken.known < began).map(({ tag, as }) => ({ tag, as }));
    const own = wish.tag === 'none' ? [] : [{ tag: wish.tag, as: item.began }];
    const subject = [...known, ...own, ...inherited];
    for (const purge of this.#purges) {
      if (purge.resolved === undefined || purge.resolved > began) continue;
      if (!this.#concerns(purge, item, subject)) continue;
      if (purge.order.effect === 'expire' && elapsed - this.failedAt <= 5_000) continue;
      throw new Error(
        `${item.shown}: call ${item.call} answers a request that began after ${JSON.stringify(purge.order)}`,
      );
    }
  }

  /** Who comes when a newer answer has been stored is not given an older one that landed after it. */
  #mustBeLatest(item: Item, { expected, wish }: Asking): void {
    const held = expected.get(item.shown)?.item;
    if (held === undefined || wish.refresh || held.began <= item.began || !this.#isUntouched(held)) return;
    throw new Error(
      `${item.shown}: answered with call ${item.call}, though call ${held.call} had brought a newer one`,
    );
  }

  /** Whether nothing that was ever asked for can concern it, whatever it may be said to speak of. */
  #isUntouched(item: Item): boolean {
    const tags = [
      ...item.spoken.map(({ tag, as }) => ({ tag, as })),
      ...[...this.#saidOf(item.shown)].map((tag) => ({ tag, as: item.began })),
      ...(this.#traced.has(item.shown) ? EVERY_TAG.map((tag) => ({ tag, as: 0 })) : []),
    ];
    return !this.#purges.some((purge) => this.#concerns(purge, item, tags));
  }

  #concerns(
    { order, called }: Purge,
    { shown, began }: Item,
    tags: readonly { readonly tag: string; readonly as: Moment }[],
  ): boolean {
    const tagged = tags.map(({ tag, as }) => [tag, as] as const);
    const key = { id: shown, shown, type: '' };
    return concerns({ ...order, stamp: called }, { key, stamp: began, tags: tagged });
  }

  #speaks(item: Item, { wish, inherited }: Asking, first: boolean): void {
    const known = this.#now;
    if (wish.tag !== 'none') item.spoken.push({ tag: wish.tag, as: item.began, known, first });
    for (const { tag, as } of inherited) item.spoken.push({ tag, as, known, first });
  }

  /** What a trace is told with an answer: what was known of it, what it says itself, and what its asker says. */
  #tell({ spoken }: Item, { began, wish }: Asking): void {
    const sure = new Set([wish.tag, ...tagsOfAnswer(wish)]);
    const told = spoken.filter(({ known, tag }) => known < began || sure.has(tag));
    this.#told = [...this.#told, ...told.map(({ tag, as }) => ({ tag, as }))];
  }

  #itemOf(shown: string, call: number): Item {
    const item = this.#items.get(`${shown} ${call}`);
    if (item === undefined)
      throw new Error(`${shown}: answered with call ${call}, which was for something else`);
    return item;
  }

  #saidOf(shown: string): Set<string> {
    const said = this.#said.get(shown) ?? new Set();
    this.#said.set(shown, said);
    return said;
  }

  #tick(): Moment {
    this.#now += 1;
    return this.#now;
  }
}

/** Whether its answer is written by a model, which may speak of what its trace was told. */
function inherits({ kind }: Wish): boolean {
  return kind === 'chat' || kind === 'stream';
}

const EVERY_TAG = [...SAID, 'product:0', 'product:1', 'product:2'];
