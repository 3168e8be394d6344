import { placeOf, segmentOf } from '../shared/shown-key.ts';
import type { Condition, Effect } from './condition.ts';
import { ALIVE, EXPIRED, type Mark, PURGED, type Rank, type Subject, worse } from './mark.ts';

/** The marks of single names: of each name the latest. They cost a subject a look-up for each of its own names, however many there are. */
export class NameMarks {
  readonly #lists: Readonly<Record<List, Map<string, Latest>>> = {
    tags: new Map(),
    keys: new Map(),
    types: new Map(),
    namespaces: new Map(),
    models: new Map(),
  };

  /** How many names there are. */
  get size(): number {
    return LISTS.reduce((size, list) => size + this.#lists[list].size, 0);
  }

  /** Takes the mark, and says so, if its condition is one list of names. */
  add({ condition = {}, effect, stamp }: Mark): boolean {
    const list = soleList(condition);
    if (list === undefined) return false;
    const latest = this.#lists[list];
    for (const member of condition[list] ?? []) {
      const name = isSegment(list) ? segmentOf(member) : member;
      const before = latest.get(name) ?? { purge: 0, expire: 0 };
      latest.set(name, { ...before, [effect]: Math.max(before[effect], stamp) });
    }
    return true;
  }

  /** What these marks say of a subject. */
  rank({ key, stamp, tags }: Subject): Rank {
    const { tags: tagged, keys, types, namespaces, models } = this.#lists;
    let rank = rankOf(keys.get(key.shown), stamp);
    if (tagged.size > 0) for (const [tag, at] of tags) rank = worse(rank, rankOf(tagged.get(tag), at));
    if (types.size + namespaces.size + models.size > 0) {
      const { type, namespace, label } = placeOf(key.shown);
      rank = worse(rank, rankOf(types.get(type), stamp));
      rank = worse(rank, rankOf(namespaces.get(namespace), stamp));
      rank = worse(rank, rankOf(models.get(label), stamp));
    }
    return rank;
  }

  /** Forgets the names whose marks are all older than `stamp`. */
  forget(stamp: number): void {
    for (const list of LISTS) {
      for (const [name, { purge, expire }] of this.#lists[list])
        if (Math.max(purge, expire) < stamp) this.#lists[list].delete(name);
    }
  }

  /** Marks that together say what these do. */
  *all(): Iterable<Mark> {
    for (const list of LISTS) {
      for (const [name, latest] of this.#lists[list]) {
        const condition = { [list]: [isSegment(list) ? decodeURIComponent(name) : name] };
        for (const effect of EFFECTS) {
          if (latest[effect] > 0) yield { condition, effect, stamp: latest[effect] };
        }
      }
    }
  }
}

/** The latest stamps at which something of one name was invalidated; 0 for never. */
type Latest = Readonly<Record<Effect, number>>;

const EFFECTS: readonly Effect[] = ['purge', 'expire'];

/** The lists whose members are names. */
const LISTS = ['tags', 'keys', 'types', 'namespaces', 'models'] as const;
type List = (typeof LISTS)[number];

/** The only list of a condition, if its members are names. */
function soleList(condition: Condition): List | undefined {
  const [only, ...more] = Object.entries(condition).filter(([, members]) => members !== undefined);
  return only === undefined || more.length > 0 ? undefined : LISTS.find((list) => list === only[0]);
}

/** Whether names of this list are segments of the shown key, where they stand percent-encoded. */
function isSegment(list: List): boolean {
  return list !== 'tags' && list !== 'keys';
}

function rankOf(latest: Latest | undefined, stamp: number): Rank {
  if (latest === undefined) return ALIVE;
  if (stamp <= latest.purge) return PURGED;
  return stamp <= latest.expire ? EXPIRED : ALIVE;
}
