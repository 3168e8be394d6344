import { parseGlob } from '../shared/glob.ts';
import { placeOf, segmentOf } from '../shared/shown-key.ts';
import type { Condition, Effect } from './condition.ts';
import type { Entry, Tagged } from './entry.ts';

/** What marks say of an entry: `expired` it may only answer for a failing upstream; `purged` it is never served again. */
export type Standing = 'alive' | 'expired' | 'purged';

/** An invalidation as it is kept: it concerns what is meant and was asked for before its stamp. */
export interface Mark {
  /** Undefined for everything there is. */
  readonly condition: Condition | undefined;
  readonly effect: Effect;
  readonly stamp: number;
}

/** What is judged: an entry, or a fetch that will make one. */
export type Subject = Pick<Entry, 'key' | 'stamp' | 'tags'>;

/** How many marks are kept; of more the older half becomes one. */
export interface MarkLimits {
  /** Of single names (tags, keys, types …), which cost a look-up each however many there are. */
  readonly names: number;
  /** Of patterns and of several conditions at once, of which each entry is held against each newer one, once. */
  readonly broad: number;
}

const LIMITS: MarkLimits = { names: 100_000, broad: 1_000 };

/**
 * All invalidations that can still concern something. An entry is judged by stamps alone: marks are neither looked for in the
 * tiers nor carried out there, so that they cost the same whatever the cache holds, and nothing on its way escapes them.
 */
export class Marks {
  /** By name, as {@link nameOf} writes it. */
  readonly #names = new Map<string, Latest>();
  /** In the order of their stamps. */
  #broad: Broad[] = [];
  /** Everything asked for up to this stamp is purged, and what was written from it. */
  #floor = 0;
  #latestTag = 0;
  #version = 1;
  /** For entries, the version at which they were judged, and how: `4 × version + rank`. */
  readonly #judged = new WeakMap<Subject, number>();
  readonly #limits: MarkLimits;

  constructor(limits: MarkLimits = LIMITS) {
    this.#limits = limits;
  }

  /** How many marks are kept. */
  get size(): number {
    return this.#names.size + this.#broad.length;
  }

  /** The stamp of the last mark that names a tag. */
  get latestTag(): number {
    return this.#latestTag;
  }

  /** Takes a mark. Marks may come in any order: of two that mean the same the later stamp counts. */
  add(mark: Mark): void {
    this.#version += 1;
    const { condition, stamp } = mark;
    if (condition?.tags !== undefined) this.#latestTag = Math.max(this.#latestTag, stamp);
    if (condition === undefined && mark.effect === 'purge') this.#floor = Math.max(this.#floor, stamp);
    else {
      const names = condition === undefined ? undefined : namesOf(condition);
      if (names === undefined) this.#addBroad(new Broad(mark));
      else for (const name of names) this.#addName(name, mark);
    }
    const { names, broad } = this.#limits;
    if (this.#names.size > names || this.#broad.length > broad) this.#fold();
  }

  /** What becomes of `subject` for a request that itself speaks of `more`, by every mark up to now. */
  standing(subject: Subject, more: readonly Tagged[] = []): Standing {
    const known = this.#judged.get(subject);
    let rank = known !== undefined && known >= 4 * this.#version ? known % 4 : this.#judge(subject);
    if (more.length > 0) rank = Math.max(rank, this.#rankOf({ ...subject, tags: more }));
    return STANDINGS[rank] ?? 'purged';
  }

  /** Forgets the marks that are older than everything they could concern: whatever was asked for before `oldest` is gone. */
  retire(oldest: number): void {
    for (const [name, { purge, expire }] of this.#names)
      if (Math.max(purge, expire) < oldest) this.#names.delete(name);
    this.#broad = this.#broad.filter(({ mark }) => mark.stamp >= oldest);
    if (this.#floor < oldest) this.#floor = 0;
  }

  /** Marks that together say what these do. */
  *all(): Iterable<Mark> {
    if (this.#floor > 0) yield { condition: undefined, effect: 'purge', stamp: this.#floor };
    for (const [name, latest] of this.#names) {
      for (const effect of ['purge', 'expire'] as const) {
        const stamp = latest[effect];
        if (stamp > 0) yield { condition: conditionOf(name), effect, stamp };
      }
    }
    for (const { mark } of this.#broad) yield mark;
  }

  #judge(subject: Subject): number {
    const rank = this.#rankOf(subject);
    this.#judged.set(subject, 4 * this.#version + rank);
    return rank;
  }

  #rankOf({ key, stamp, tags }: Subject): number {
    const oldest = oldestOf({ stamp, tags });
    if (oldest <= this.#floor) return PURGED;
    let rank = ALIVE;
    if (this.#names.size > 0) {
      for (const [tag, at] of tags) rank = Math.max(rank, this.#rankOfName(nameOf('tags', tag), at));
      rank = Math.max(rank, this.#rankOfName(nameOf('keys', key.shown), stamp));
      const place = placeOf(key.shown);
      for (const [list, name] of [
        ['types', place.type],
        ['namespaces', place.namespace],
        ['models', place.label],
      ] as const) {
        rank = Math.max(rank, this.#rankOfName(nameOf(list, name), stamp));
      }
    }
    for (let index = this.#broad.length - 1; index >= 0; index -= 1) {
      const broad = this.#broad[index];
      if (broad === undefined || broad.mark.stamp < oldest) break;
      if (broad.concerns({ key, stamp, tags })) rank = Math.max(rank, RANK[broad.mark.effect]);
    }
    return rank;
  }

  #rankOfName(name: string, stamp: number): number {
    const latest = this.#names.get(name);
    if (latest === undefined) return ALIVE;
    if (stamp <= latest.purge) return PURGED;
    return stamp <= latest.expire ? EXPIRED : ALIVE;
  }

  #addName(name: string, { effect, stamp }: Mark): void {
    const before = this.#names.get(name) ?? { purge: 0, expire: 0 };
    this.#names.set(name, { ...before, [effect]: Math.max(before[effect], stamp) });
  }

  #addBroad(broad: Broad): void {
    this.#broad.push(broad);
    this.#broad.sort((one, other) => one.mark.stamp - other.mark.stamp);
  }

  /** The older half becomes one: everything asked for before the newest of them is dead. */
  #fold(): void {
    const stamps = [...this.all()].map(({ stamp }) => stamp).sort((one, other) => one - other);
    const middle = stamps[stamps.length >> 1] ?? 0;
    this.#floor = Math.max(this.#floor, middle);
    for (const [name, { purge, expire }] of this.#names)
      if (Math.max(purge, expire) <= middle) this.#names.delete(name);
    this.#broad = this.#broad.filter(({ mark }) => mark.stamp > middle);
  }
}

/** When the oldest was asked for of what a subject is, or was written from. */
function oldestOf({ stamp, tags }: Pick<Subject, 'stamp' | 'tags'>): number {
  let oldest = stamp;
  for (const [, at] of tags) if (at < oldest) oldest = at;
  return oldest;
}

/** The latest stamps at which something of one name was invalidated; 0 for never. */
interface Latest {
  readonly purge: number;
  readonly expire: number;
}

const ALIVE = 0;
const EXPIRED = 1;
const PURGED = 2;
const STANDINGS: readonly Standing[] = ['alive', 'expired', 'purged'];
const RANK: Readonly<Record<Effect, number>> = { expire: EXPIRED, purge: PURGED };

/** The lists whose members are names. */
type List = 'tags' | 'keys' | 'types' | 'namespaces' | 'models';

function nameOf(list: List, name: string): string {
  return `${list}:${name}`;
}

/** The names of a condition that is one list of names; undefined for any other. */
function namesOf(condition: Condition): readonly string[] | undefined {
  const lists = Object.entries(condition).filter(([, members]) => members !== undefined);
  const [only] = lists;
  if (only === undefined || lists.length > 1 || only[0] === 'patterns') return undefined;
  const { tags, keys } = condition;
  if (tags !== undefined) return tags.map((tag) => nameOf('tags', tag));
  if (keys !== undefined) return keys.map((key) => nameOf('keys', key));
  return (['types', 'namespaces', 'models'] as const).flatMap((list) =>
    (condition[list] ?? []).map((name) => nameOf(list, segmentOf(name))),
  );
}

function conditionOf(name: string): Condition {
  const colon = name.indexOf(':');
  const [list, member] = [name.slice(0, colon), name.slice(colon + 1)];
  const isPlace = list === 'types' || list === 'namespaces' || list === 'models';
  return { [list]: [isPlace ? decodeURIComponent(member) : member] };
}

/** A mark of a pattern, or of several conditions at once. */
class Broad {
  readonly mark: Mark;
  readonly #tags: ReadonlySet<string> | undefined;
  readonly #meant: (shown: string) => boolean;

  constructor(mark: Mark) {
    this.mark = mark;
    this.#tags = mark.condition?.tags && new Set(mark.condition.tags);
    this.#meant = mark.condition === undefined ? () => true : byKey(mark.condition);
  }

  concerns({ key, stamp, tags }: Subject): boolean {
    const { condition, stamp: until } = this.mark;
    if (condition === undefined) return oldestOf({ stamp, tags }) <= until;
    const named = this.#tags;
    const before =
      named === undefined ? stamp <= until : tags.some(([tag, at]) => at <= until && named.has(tag));
    return before && this.#meant(key.shown);
  }
}

/** Whether a shown key fulfils all of a condition that is not about tags. */
export function byKey({ keys, patterns, types, namespaces, models }: Condition): (shown: string) => boolean {
  const globs = patterns?.map((pattern) => parseGlob(pattern) ?? (() => false));
  const segments = (names: readonly string[] | undefined) => names && new Set(names.map(segmentOf));
  const [ofTypes, ofNamespaces, ofModels] = [segments(types), segments(namespaces), segments(models)];
  const ofKeys = keys && new Set(keys);
  return (shown) => {
    const place = placeOf(shown);
    return (
      (ofTypes?.has(place.type) ?? true) &&
      (ofNamespaces?.has(place.namespace) ?? true) &&
      (ofModels?.has(place.label) ?? true) &&
      (ofKeys?.has(shown) ?? true) &&
      (globs?.some((glob) => glob(shown)) ?? true)
    );
  };
}
