import type { Entry, Tagged, Times } from '../cache/entry.ts';

import type { Graves } from '../cache/graves.ts';
import type { Standing } from '../cache/mark.ts';
import type { Marks } from '../cache/marks.ts';
import type { Found, Quota, Store } from '../cache/store.ts';
import { withTagged } from '../cache/tagged.ts';
import type { Level } from '../cache/tier.ts';
import { type Demands, judge, type Verdict } from '../policy/judge.ts';
import type { Clock } from '../shared/clock.ts';
import type { Call } from './call.ts';
import { tagsOf } from './call-tags.ts';

/** An entry found for one part, and what it may be used for. */
export interface Holding {
  readonly entry: Entry;
  readonly level: Level;
  readonly verdict: Exclude<Verdict, 'dead'>;
  /** The end of its freshness (ms since the epoch), which may have come before its time. */
  readonly freshUntil: number;
  /** Whether it has all the tags that the call says of it, and none later than the call does. */
  readonly isTagged: boolean;
}

/** What the cache holds for a call, part by part. */
export interface Shelf {
  /** For each part of the plan what was found, also what may only be used if the upstream fails. */
  readonly holdings: readonly (Holding | undefined)[];
  /** Indexes of the parts that must be asked for, ascending. */
  readonly lacking: readonly number[];
  /** Indexes of the parts that are served now and refreshed behind. */
  readonly stale: readonly number[];
  /** Whether everything lacking could be served if the upstream failed. */
  readonly bridged: boolean;
  /** Why the first part lacking lacks. */
  readonly reason: string | undefined;
}

/** What looking up takes. */
export interface ShelfContext {
  readonly store: Store;
  readonly marks: Marks;
  readonly graves: Graves;
  readonly clock: Clock;
}

/** Looks every part up, tier by tier, and judges what was found for this caller. At once where L1 has all there is to have. */
export function lookUp(context: ShelfContext, call: Call): Shelf | Promise<Shelf> {
  if (!call.trusted) return bare(call, 'credential-unverified');
  const found = find(context.store, call);
  return found instanceof Promise
    ? found.then((come) => judged(context, call, come))
    : judged(context, call, found);
}

const NONE: readonly Tagged[] = [];

function judged(context: ShelfContext, call: Call, found: readonly (Found | undefined)[]): Shelf {
  const { store, marks, graves, clock } = context;
  const at = clock.now();
  const holdings: (Holding | undefined)[] = [];
  const invalidated = new Set<number>();
  for (const [part, held] of found.entries()) {
    const said = held === undefined ? NONE : tagsOf(call, part, held.entry.stamp);
    const isTagged = held === undefined || withTagged(held.entry.tags, said) === held.entry.tags;
    // What it says itself is judged with it, once.
    const standing = held && marks.standing(held.entry, isTagged ? NONE : said);
    if (standing !== undefined && standing !== 'alive') invalidated.add(part);
    if (held !== undefined && standing === 'purged' && marks.standing(held.entry) === 'purged') {
      store.delete(held.entry.key.id);
      graves.note(held.entry.key.id);
    }
    const serves = held !== undefined && call.plan.serves(held.entry.payload);
    const verdict = serves ? verdictOn(held.entry, standing, at, call.directives) : 'dead';
    holdings.push(
      held === undefined || verdict === 'dead'
        ? undefined
        : { ...held, verdict, freshUntil: timesOf(held.entry, standing, at).freshUntil, isTagged },
    );
  }
  const unusable = new Set(call.plan.disagreeing?.(holdings.map((holding) => holding?.entry.payload)));
  const lacking: number[] = [];
  const stale: number[] = [];
  // Who asks for a new answer is told when there is none, and not given the old one.
  let bridged = unusable.size === 0 && !call.directives.refresh;
  for (const [part, holding] of holdings.entries()) {
    const usable = holding !== undefined && holding.verdict !== 'grace' && !unusable.has(part);
    if (!usable || call.directives.refresh) lacking.push(part);
    else if (holding.verdict === 'stale') stale.push(part);
    if (holding === undefined) bridged = false;
  }
  if (call.policy.mode === 'shadow') return bare(call, lacking.length === 0 ? 'shadow-hit' : 'shadow-miss');
  return {
    holdings,
    lacking,
    stale,
    bridged,
    reason: reasonOf(
      call,
      lacking[0],
      found,
      unusable,
      (part, id) => invalidated.has(part) || graves.has(id),
    ),
  };
}

/** Judges an entry by its times and by how it stands: an expired one may answer for a failing upstream, and for nothing else. */
export function verdictOn(
  entry: Entry,
  standing: Standing | undefined,
  at: number,
  demands: Demands,
): Verdict {
  if (standing === 'purged') return 'dead';
  const allowed = standing === 'expired' ? { ...demands, maxStaleMs: undefined } : demands;
  return judge(timesOf(entry, standing, at), at, allowed);
}

/** An entry's times as they are for one that stands so. */
function timesOf(entry: Entry, standing: Standing | undefined, at: number): Times {
  if (standing !== 'expired') return entry;
  return { ...entry, freshUntil: Math.min(entry.freshUntil, at), staleUntil: at };
}

/** Whether nothing on a shelf has been purged since it was looked up. */
export function stands({ marks }: ShelfContext, call: Call, { holdings }: Shelf): boolean {
  return holdings.every(
    (holding, part) =>
      holding === undefined ||
      marks.standing(holding.entry, tagsOf(call, part, holding.entry.stamp)) !== 'purged',
  );
}

/** A shelf with nothing on it for this call. */
function bare(call: Call, reason: string): Shelf {
  const lacking = [...call.keys.keys()];
  return { holdings: lacking.map(() => undefined), lacking, stale: [], bridged: false, reason };
}

function find(
  store: Store,
  { keys, quota }: Call,
): readonly (Found | undefined)[] | Promise<readonly (Found | undefined)[]> {
  const [only] = keys;
  if (only === undefined || keys.length > 1) return findMany(store, keys, quota);
  const found = store.peek(only.id) ?? store.find(only.id);
  return found instanceof Promise ? found.then((come) => [come]) : [found];
}

async function findMany(store: Store, keys: Call['keys'], quota: Quota): Promise<(Found | undefined)[]> {
  const found = await store.findMany(
    keys.map(({ id }) => id),
    quota,
  );
  return keys.map(({ id }) => found.get(id));
}

/** Why `part`, the first that lacks, does. */
function reasonOf(
  call: Call,
  part: number | undefined,
  found: readonly (Found | undefined)[],
  unusable: ReadonlySet<number>,
  wasInvalidated: (part: number, id: string) => boolean,
): string | undefined {
  if (part === undefined) return undefined;
  if (call.directives.refresh) return 'client-no-cache';
  if (wasInvalidated(part, call.keys[part]?.id ?? '')) return 'invalidated';
  const held = found[part];
  if (held === undefined) return 'absent';
  if (unusable.has(part)) return 'other-model';
  return call.plan.serves(held.entry.payload) ? 'expired' : 'usage-unknown';
}
