import { type Place, placeOf, shownKey } from '../shared/shown-key.ts';
import { unhurried } from '../shared/unhurried.ts';
import { byKey, type Condition } from './condition.ts';
import type { Key } from './entry.ts';
import { Groups } from './groups.ts';
import type { Listed, Watch } from './listed.ts';
import { type Numbered, Series } from './series.ts';
import { withTagged } from './tagged.ts';
import type { Level } from './tier.ts';

/** Where to go on in the catalog. */
export interface Page {
  readonly entries: readonly Listed[];
  /** What gives the entries after these; undefined after the last. */
  readonly cursor: string | undefined;
}

/** What lies at a place: a type, a namespace, and a model or a route. */
export interface PlaceFigures extends Place {
  readonly entries: number;
  readonly bytes: number;
}

/**
 * What lies in the tiers, each entry once, for people, figures and the sweep: what may be served never depends on it. Finding the
 * entries of a tag costs as much as there are of them, whatever else there is.
 */
export class Catalog {
  readonly #items = new Map<string, Item>();
  readonly #series = new Series<Item>();
  readonly #byTag = new Groups<Item>();
  /** By shown keys without their ids. */
  readonly #byPlace = new Groups<Item>();
  /** Of the bodies of the entries at a place. */
  readonly #bytesAt = new Map<string, number>();
  readonly #isLive: (listed: Listed) => boolean;
  #numbers = 0;

  /** `isLive` tells whether an entry can still be served. */
  constructor(isLive: (listed: Listed) => boolean = () => true) {
    this.#isLive = isLive;
  }

  /** How many entries there are. */
  get size(): number {
    return this.#items.size;
  }

  /** Every place there is, with the number of its entries and the bytes of their bodies: also of what is over and not yet swept. */
  *places(): Iterable<PlaceFigures> {
    for (const prefix of this.#byPlace.names()) {
      yield {
        ...placeOf(prefix),
        entries: this.#byPlace.sizeOf(prefix),
        bytes: this.#bytesAt.get(prefix) ?? 0,
      };
    }
  }

  /** What a tier tells of itself. */
  watch(level: Level): Watch {
    return {
      held: (listed) => this.#held(level, listed),
      dropped: (id) => this.#dropped(level, id),
      emptied: () => this.#emptied(level),
    };
  }

  /** As {@link lying}, the entries that can be served. */
  *meant(condition: Condition | undefined): Iterable<Listed | undefined> {
    for (const listed of this.lying(condition)) yield listed && this.#isLive(listed) ? listed : undefined;
  }

  /**
   * The entries meant, all where `condition` is undefined, and undefined for each that only had to be looked at: there may be many,
   * and whoever walks through them can pause. What is dropped meanwhile is left out, and of everything there is what comes is told.
   */
  *lying(condition: Condition | undefined): Iterable<Listed | undefined> {
    const fulfils = test(untried(condition));
    for (const item of this.#candidates(condition))
      yield item !== undefined && fulfils(item.listed) ? item.listed : undefined;
  }

  /** Those in this tier. */
  *at(level: Level): Iterable<Listed> {
    for (const { listed, levels } of this.#items.values()) if (levels & BIT[level]) yield listed;
  }

  /** Whether a text can be a cursor of {@link page}. */
  isCursor(text: string): boolean {
    return /^\d{1,16}$/.test(text);
  }

  /**
   * At most `limit` of the entries meant, in the order in which they came, after `cursor`. Pages neither repeat nor miss what stays
   * while others come and go; all of them together cost one walk through all there is, in which others have their turns.
   */
  async page(condition: Condition | undefined, limit: number, cursor: string | undefined): Promise<Page> {
    const entries: Listed[] = [];
    let last = 0;
    let isLast = true;
    await unhurried(this.#after(Number(cursor ?? 0), condition), ({ number, listed }) => {
      isLast = entries.length < limit;
      if (!isLast) return 'enough';
      entries.push(listed);
      last = number;
    });
    return { entries, cursor: isLast ? undefined : String(last) };
  }

  /** The entry with this shown key. */
  get(shown: string): Listed | undefined {
    const found = this.#at(shown)[0]?.listed;
    return found?.key.shown === shown && this.#isLive(found) ? found : undefined;
  }

  /** A tier holds this now, in the place of what it may have held under the same id. */
  #held(level: Level, held: Listed): void {
    const known = this.#items.get(held.key.id);
    const listed = withAllTags(held, known?.listed);
    // The same entry in another tier: a promotion, or what is on disk of what is in memory. A tier that still holds an older one is about
    // to be given the newer one, or to forget it.
    if (known !== undefined && (isSame(known.listed, listed) || known.listed.stamp > listed.stamp)) {
      known.levels |= BIT[level];
      return;
    }
    const levels = BIT[level] | (known?.levels ?? 0);
    if (known !== undefined) this.#remove(known);
    this.#numbers += 1;
    const item = new Item(this.#numbers, listed, levels);
    this.#items.set(listed.key.id, item);
    this.#series.add(item);
    const prefix = prefixOf(listed.key);
    this.#byPlace.add(prefix, item);
    this.#bytesAt.set(prefix, (this.#bytesAt.get(prefix) ?? 0) + listed.size);
    for (const [tag] of listed.tags) this.#byTag.add(tag, item);
  }

  /** A tier holds nothing under this id any more. */
  #dropped(level: Level, id: string): void {
    const item = this.#items.get(id);
    if (item === undefined) return;
    item.levels &= ~BIT[level];
    if (item.levels === 0) this.#remove(item);
  }

  /** A tier holds nothing at all any more. */
  #emptied(level: Level): void {
    for (const id of [...this.#items.keys()]) this.#dropped(level, id);
  }

  /** The entries meant that can be served, in order after `number`, and undefined for each that only had to be looked at. */
  *#after(number: number, condition: Condition | undefined): Iterable<Item | undefined> {
    const fulfils = test(condition);
    for (const item of this.#fewAfter(number, condition?.tags) ?? this.#series.after(number)) {
      const { isGone, listed } = item;
      yield !isGone && fulfils(listed) && this.#isLive(listed) ? item : undefined;
    }
  }

  /** The entries with these tags, in order after `number`, if they are few enough to be sorted each time. */
  #fewAfter(number: number, tags: readonly string[] = []): readonly Item[] | undefined {
    const count = tags.reduce((sum, tag) => sum + this.#byTag.sizeOf(tag), 0);
    if (tags.length === 0 || count > MOST_SORTED) return undefined;
    const after = [...this.#tagged(tags)].filter((item) => item.number > number);
    return after.sort((one, other) => one.number - other.number);
  }

  /** The entries with any of these tags, each once. */
  *#tagged(tags: readonly string[]): Iterable<Item> {
    const seen = new Set<Item>();
    for (const tag of tags) {
      for (const item of this.#byTag.of(tag)) {
        if (seen.has(item)) continue;
        seen.add(item);
        yield item;
      }
    }
  }

  *#candidates(condition: Condition | undefined): Iterable<Item | undefined> {
    if (condition?.keys !== undefined) {
      for (const shown of condition.keys) yield* this.#at(shown);
    } else if (condition?.tags !== undefined) {
      yield* this.#tagged(condition.tags);
    } else if (condition === undefined) {
      yield* this.#series.after(0);
    } else {
      const fits = byKey({ ...condition, patterns: undefined });
      for (const prefix of this.#byPlace.names()) {
        if (fits(prefix)) yield* this.#byPlace.of(prefix);
        else yield undefined;
      }
    }
  }

  #at(shown: string): Item[] {
    const item = this.#items.get(shown.slice(shown.lastIndexOf('/') + 1));
    return item === undefined ? [] : [item];
  }

  #remove(item: Item): void {
    const { key, tags, size } = item.listed;
    this.#items.delete(key.id);
    const prefix = prefixOf(key);
    this.#byPlace.remove(prefix, item);
    if (this.#byPlace.sizeOf(prefix) > 0) this.#bytesAt.set(prefix, (this.#bytesAt.get(prefix) ?? 0) - size);
    else this.#bytesAt.delete(prefix);
    for (const [tag] of tags) this.#byTag.remove(tag, item);
    item.levels = 0;
    this.#series.lost();
  }
}

/** An entry with its place in the order of the catalog, and the tiers that hold it. */
class Item implements Numbered {
  readonly number: number;
  readonly listed: Listed;
  /** The {@link BIT}s of these. */
  levels: number;

  constructor(number: number, listed: Listed, levels: number) {
    this.number = number;
    this.listed = listed;
    this.levels = levels;
  }

  get isGone(): boolean {
    return this.levels === 0;
  }
}

/** So many entries are sorted in about 2 ms; of more, all that there are is gone through in slices. */
const MOST_SORTED = 5_000;

/** A set of levels is a number: it costs nothing, and there is one for each entry. */
const BIT: Readonly<Record<Level, number>> = { l1: 1, l2: 2, l3: 4 };

/** What of a condition its candidates need not fulfil. */
function untried(condition: Condition | undefined): Condition | undefined {
  if (condition?.keys !== undefined) return condition;
  return condition?.tags === undefined
    ? { patterns: condition?.patterns }
    : { ...condition, tags: undefined };
}

/** Whether an entry is meant. */
function test(condition: Condition = {}): (listed: Listed) => boolean {
  if (Object.values(condition).every((list) => list === undefined)) return () => true;
  const fits = byKey(condition);
  const tags = condition.tags && new Set(condition.tags);
  return (listed) =>
    fits(listed.key.shown) && (tags === undefined || listed.tags.some(([tag]) => tags.has(tag)));
}

/** What is held, with what other tiers say of the same answer: one may not have heard yet of what another was told to add. */
function withAllTags(held: Listed, known: Listed | undefined): Listed {
  if (known?.stamp !== held.stamp) return held;
  return { ...held, tags: withTagged(known.tags, held.tags) };
}

/** Whether two are of one answer, and say the same of it. */
function isSame(one: Listed, other: Listed): boolean {
  return (
    one.stamp === other.stamp &&
    one.tags.length === other.tags.length &&
    one.tags.every(([tag, stamp], at) => other.tags[at]?.[0] === tag && other.tags[at]?.[1] === stamp)
  );
}

/** A shown key without its id. */
function prefixOf({ shown }: Key): string {
  return shownKey(placeOf(shown), '');
}
