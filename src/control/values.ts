import type { Entry, Key, Payload, Tagged } from '../cache/entry.ts';
import type { Store } from '../cache/store.ts';
import type { Level } from '../cache/tier.ts';
import type { Demands, Verdict } from '../policy/judge.ts';
import { createKeyring } from '../policy/key.ts';
import { type LifetimePolicy, lifetimeOf } from '../policy/lifetime.ts';
import type { Clock } from '../shared/clock.ts';
import type { Stamps } from '../shared/stamps.ts';

/** Which value: of a type and a namespace (empty for the default one), by the application's own key. */
export interface ValueName {
  readonly type: string;
  readonly namespace: string;
  readonly key: string;
}

/** A value that has begun to come. */
export interface BegunValue {
  /** Of that moment: every later invalidation concerns it. */
  readonly stamp: number;
  /** Whether what lay elsewhere in its place was forgotten. */
  readonly outdated: boolean;
}

/** A value as the application gives it. */
export interface NewValue {
  readonly begun: BegunValue;
  readonly headers: Payload['headers'];
  readonly body: Buffer;
  /** Its lifetime in milliseconds; the type's own if undefined. */
  readonly ttlMs: number | undefined;
  readonly tags: readonly string[];
}

/** A value as it is found. */
export interface FoundValue {
  readonly entry: Entry;
  readonly level: Level;
  /** Whether its ttl is over; it is given only where the policy or the caller's demands allow that. */
  readonly stale: boolean;
  /** Milliseconds since it was stored. */
  readonly ageMs: number;
}

/** The application's own values. They live in the tiers like answers do, under the same policies, tags and invalidations. */
export interface Values {
  /** The value, if there is one that meets these demands. */
  get(name: ValueName, demands: Demands): Promise<FoundValue | undefined>;
  /** A value begins to come. What lies elsewhere in its place, with other instances or on a disk that is away, is forgotten first. */
  begin(name: ValueName): Promise<BegunValue>;
  /**
   * Stores a value in the place of any other, unless that began to come later; what was before does not come back, not even after a
   * crash. Gives its entry; undefined where it has no life, was invalidated while it came, or its type stores nothing.
   */
  put(name: ValueName, value: NewValue): Promise<Entry | undefined>;
  /** Forgets the value for good, and says whether there was one. */
  delete(name: ValueName): Promise<boolean>;
}

/** What values are kept by. */
export interface ValuesContext {
  readonly store: Pick<Store, 'peek' | 'find' | 'put' | 'delete'>;
  readonly clock: Clock;
  readonly policyOf: (
    type: string,
  ) => LifetimePolicy & { readonly mode: 'on' | 'read_only' | 'shadow' | 'off' };
  /** What a value's entry may be used for now, by its times, by invalidations, and by what the caller demands. */
  readonly judge: (entry: Entry, demands: Demands) => Verdict;
  /** Whether other instances hold values, too. */
  readonly isShared: boolean;
  /** Has forgotten what lies under a key with them, or on a disk that is away. */
  readonly outdate: (key: Key) => Promise<unknown>;
  /** Resolves when what was last done under an id survives a crash; false where it may not. */
  readonly settle: (id: string) => Promise<boolean>;
  /** Whether an invalidation concerns the entry. */
  readonly isInvalid: (entry: Entry) => boolean;
  readonly stamps: Pick<Stamps, 'next'>;
}

/** Values in the tiers. */
export function storedValues(context: ValuesContext): Values {
  const { store, clock, policyOf, judge, isShared, outdate, settle, isInvalid, stamps } = context;
  const find = async ({ id }: Key) => store.peek(id) ?? (await store.find(id));
  /** Whether there is an elsewhere, in which this is forgotten then. */
  const outdateElsewhere = async (key: Key) => {
    const isElsewhere = isShared || !(await settle(key.id));
    if (isElsewhere) await outdate(key);
    return isElsewhere;
  };
  /** A disk that goes just now may come back with what was before. Its mark costs a value that came too late for it. */
  const settled = async (key: Key, { outdated }: Pick<BegunValue, 'outdated'>) => {
    if (!(await settle(key.id)) && !outdated) await outdate(key);
  };
  return {
    async get(name, demands) {
      const { mode } = policyOf(name.type);
      if (mode === 'off' || mode === 'shadow') return undefined;
      const found = await find(keyOf(name));
      if (found === undefined) return undefined;
      // Nobody else is to be asked, so there is no failure either that a value past its time could bridge.
      const verdict = judge(found.entry, demands);
      if (verdict === 'grace' || verdict === 'dead') return undefined;
      const now = clock.now();
      const { freshUntil, born } = found.entry;
      return { ...found, stale: now >= freshUntil, ageMs: now - born };
    },
    async begin(name) {
      // Their own invalidation is later than what they hold, and earlier than the value.
      const outdated = await outdateElsewhere(keyOf(name));
      return { stamp: stamps.next(), outdated };
    },
    async put(name, { begun, headers, body, ttlMs, tags }) {
      const policy = policyOf(name.type);
      const key = keyOf(name);
      const times = lifetimeOf(policy, 200, ttlMs, clock.now());
      const stores = policy.mode === 'on' || policy.mode === 'shadow';
      if (times === undefined || !stores) {
        // What is said to be the value now must not be answered with what was before.
        store.delete(key.id);
        await settled(key, begun);
        return undefined;
      }
      const { stamp } = begun;
      const payload = { form: 'raw', status: 200, headers, facts: {}, body } as const;
      const entry = { key, ...times, stamp, tags: tags.map((tag): Tagged => [tag, stamp]), payload };
      // Also one that nobody will be given any more: what was before must not be answered in its place.
      store.put([entry]);
      await settled(key, begun);
      return isInvalid(entry) ? undefined : entry;
    },
    async delete(name) {
      const key = keyOf(name);
      const found = await find(key);
      const outdated = await outdateElsewhere(key);
      store.delete(key.id);
      await settled(key, { outdated });
      return found !== undefined;
    },
  };
}

/** No request has a key with this method: values and answers are never taken for each other. */
const METHOD = 'VALUE';

function keyOf({ type, namespace, key }: ValueName): Key {
  const keyring = createKeyring({
    type,
    namespace,
    scope: 'values',
    variant: '',
    method: METHOD,
    baseUrl: '',
    dialect: 'generic',
    path: '',
    query: '',
    headers: [],
  });
  return keyring('values', key);
}
