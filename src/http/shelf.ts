import type { Entry, Tagged, Times } from '../cache/entry.ts';
import type { Graves } from '../cache/graves.ts';
import type { Standing } from '../cache/mark.ts';
import type { Marks } from '../cache/marks.ts';
import type { Found, Store } from '../cache/store.ts';
import type { Level } from '../cache/tier.ts';
import { type Demands, judge, type Verdict } from '../policy/judge.ts';
import type { Clock } from '../shared/clock.ts';
import { type Soon, whenThere } from '../shared/soon.ts';
import type { Call } from './call.ts';
import { hasTagsOf, tagsOf } from './call-tags.ts';

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
  /** When it was looked up, in milliseconds since the epoch. */
  readonly at: number;
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
  /** Milliseconds that a request waits for what instances share. */
  readonly sharedMs: number;
}

/** Looks every part up, tier by tier, and judges what was found for this caller. At once where L1 has all there is to have. */
export function lookUp(context: ShelfContext, call: Call): Shelf | Promise<Shelf> {
  const at = context.clock.now();
  if (!call.trusted) return bare(call, 'credential-unverified', at);
  const found = find(context.store, call, at);
  if (!(found instanceof Promise)) return judgedWithOthers(context, call, at, found, 0);
  const { clock } = context;
  const began = clock.elapsed();
  return found.then((come) => judgedWithOthers(context, call, clock.now(), come, clock.elapsed() - began));
}

/**
 * Of what is here and of no use another instance may have put a younger one where all find it. After `tookMs` for looking there for
 * what is not here, a request has no time left to look twice.
 */
function judgedWithOthers(
  context: ShelfContext,
  call: Call,
  at: number,
  found: readonly (Found | undefined)[],
  tookMs: number,
): Shelf | Promise<Shelf> {
  const shelf = judged(context, call, at, found);
  const { store, clock, sharedMs } = context;
  if (shelf.lacking.length === 0 || !store.isShared || call.directives.refresh) return shelf;
  if (2 * tookMs > sharedMs && found.some((held) => held === undefined || held.level === 'l3')) return shelf;
  const old = shelf.lacking.flatMap((part) => {
    const held = found[part];
    return held === undefined || held.level === 'l3' ? [] : [held.entry];
  });
  if (old.length === 0) return shelf;
  return store.findYounger(old, call.quota).then((younger) => {
    if (younger.size === 0) return shelf;
    return judged(
      context,
      call,
      clock.now(),
      found.map((held) => (held && younger.get(held.entry.key.id)) ?? held),
    );
  });
}

const NO_TAGS: readonly Tagged[] = [];
const NO_PARTS: ReadonlySet<number> = new Set();

// Every hit comes through here: loops and sets that are made where there is something for them cost half (measured).
function judged(
  { store, marks, graves }: ShelfContext,
  call: Call,
  at: number,
  found: readonly (Found | undefined)[],
): Shelf {
  const { plan, directives } = call;
  const holdings: (Holding | undefined)[] = [];
  const invalidated: number[] = [];
  for (let part = 0; part < found.length; part += 1) {
    const held = found[part];
    if (held === undefined) {
      holdings.push(undefined);
      continue;
    }
    const { entry, level } = held;
    const isTagged = hasTagsOf(call, part, entry);
    // What it says itself is judged with it, once.
    const standing = marks.standing(entry, isTagged ? NO_TAGS : tagsOf(call, part, entry.stamp));
    if (standing !== 'alive') invalidated.push(part);
    if (standing === 'purged' && marks.standing(entry) === 'purged') {
      store.bury(entry.key.id);
      graves.note(entry.key.id);
    }
    const verdict = plan.serves(entry.payload) ? verdictOn(entry, standing, at, directives) : 'dead';
    const { freshUntil } = timesOf(entry, standing, at);
    holdings.push(verdict === 'dead' ? undefined : { entry, level, verdict, freshUntil, isTagged });
  }
  const disagreeing = plan.disagreeing?.(holdings.map((holding) => holding?.entry.payload)) ?? [];
  const unusable = disagreeing.length === 0 ? NO_PARTS : new Set(disagreeing);
  const lacking: number[] = [];
  const stale: number[] = [];
  // Who asks for a new answer is told when there is none, and not given the old one.
  let bridged = unusable.size === 0 && !directives.refresh;
  for (let part = 0; part < holdings.length; part += 1) {
    const holding = holdings[part];
    const usable = holding !== undefined && holding.verdict !== 'grace' && !unusable.has(part);
    if (!usable || directives.refresh) lacking.push(part);
    else if (holding.verdict === 'stale') stale.push(part);
    if (holding === undefined) bridged = false;
  }
  if (call.policy.mode === 'shadow')
    return bare(call, lacking.length === 0 ? 'shadow-hit' : 'shadow-miss', at);
  return {
    at,
    holdings,
    lacking,
    stale,
    bridged,
    reason: reasonOf(
      call,
      lacking[0],
      found,
      unusable,
      (part, id) => invalidated.includes(part) || graves.has(id),
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
export function bare(call: Call, reason: string, at: number): Shelf {
  const lacking = [...call.keys.keys()];
  return { at, holdings: lacking.map(() => undefined), lacking, stale: [], bridged: false, reason };
}

function find(store: Store, { keys, quota }: Call, at: number): Soon<readonly (Found | undefined)[]> {
  const [only] = keys;
  if (only === undefined || keys.length > 1)
    return store.findMany(
      keys.map(({ id }) => id),
      quota,
      at,
    );
  return whenThere(store.peek(only.id, at) ?? store.find(only.id), (found) => [found]);
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
