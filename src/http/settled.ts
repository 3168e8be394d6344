import type { Entry, Key } from '../cache/entry.ts';
import { tooMany } from '../cache/tagged.ts';
import type { Taken } from '../endpoints/endpoint.ts';
import { type LifetimePolicy, lifetimeOf } from '../policy/lifetime.ts';
import { RepriseError } from '../shared/errors.ts';
import type { FetchTags } from './fetch-tags.ts';

/** What became of a fetch. Never a rejection: those who waited for it may have left. */
export type Settled =
  /** One entry for each part asked, in the order asked; also where they were not all stored: `refused` may say why. */
  | {
      readonly kind: 'entries';
      readonly entries: readonly Entry[];
      readonly stored: boolean;
      readonly refused: string | undefined;
    }
  /** Nothing the plan can read: to be passed on as it came, to whom it answered. */
  | { readonly kind: 'answer'; readonly reason: string; readonly personal: boolean }
  /** `abandoned`: nobody wanted it any more, and it was cancelled. */
  | { readonly kind: 'failed'; readonly error: RepriseError; readonly abandoned?: true };

/** What makes entries of an answer. */
export interface Making {
  /** Of the parts asked for, in order. */
  readonly keys: readonly Key[];
  readonly policy: LifetimePolicy;
  /** The callers' own lifetime, the shortest of several, in milliseconds. */
  readonly ttlMs: number | undefined;
  /** Milliseconds since the epoch. */
  readonly born: number;
  readonly stamp: number;
  readonly tags: FetchTags;
  /** Milliseconds the call took, which later callers are spared. */
  readonly tookMs: number;
}

/** The entries of an answer; `refused` says why they may not be stored, and without `lives` one of them would be over at once. */
export function entriesOf(
  taken: Extract<Taken, { kind: 'parts' }>,
  { keys, policy, ttlMs, born, stamp, tags, tookMs }: Making,
): { readonly entries: readonly Entry[]; readonly lives: boolean; readonly refused: string | undefined } {
  // Also where only its age is said: an answer that a cache before us has had for an hour is an hour old here.
  const { age, ttl, ...stale } = { ttl: policy.ttl, age: 0, ...taken.lifetime };
  const said = { ...policy, ...stale, ttl: Math.max(0, ttl - age) };
  let lives = true;
  const upstreamMs = Math.round(tookMs);
  const entries = taken.payloads.map((payload, index): Entry => {
    const key = keys[index];
    if (key === undefined) throw new Error('an answer has more parts than were asked for');
    const life = lifetimeOf(said, payload.status, ttlMs, born);
    if (life === undefined) lives = false;
    return {
      key,
      payload: { ...payload, facts: { ...payload.facts, upstream_ms: upstreamMs } },
      ...(life ?? { freshUntil: born, staleUntil: born, keepUntil: born }),
      born: born - age,
      stamp,
      tags: tags.of(index),
    };
  });
  const crowded = tags.incomplete || entries.some((entry) => tooMany(entry.tags));
  return { entries, lives, refused: taken.refused ?? (crowded ? 'too-many-tags' : undefined) };
}

/**
 * Whether what an answer says of itself is all that it speaks of: one that rules should have read may speak of more where they have not.
 * An error speaks of nothing.
 */
export function isAllSaid(taken: Taken, tagsInBody: boolean, status: number): boolean {
  return !tagsInBody || status >= 300 || (taken.kind === 'parts' && taken.tags !== undefined);
}

/** What becomes of a fetch whose answer came to no entries. */
export function withoutEntries(taken: Exclude<Taken, { kind: 'parts' }>): Settled {
  switch (taken.kind) {
    case 'opaque':
      return { kind: 'answer', reason: taken.reason, personal: taken.personal === true };
    case 'failed':
      return { kind: 'failed', error: endedInError(taken.error) };
    case 'broken':
      return { kind: 'failed', error: cutShort() };
  }
}

/** The error for a stream that ended before its terminal event. */
export function cutShort(): RepriseError {
  return new RepriseError('upstream_unreachable', 'The upstream ended its stream before it was complete.');
}

function endedInError(error: string): RepriseError {
  return new RepriseError('upstream_invalid', `The upstream's stream ended in an error: ${error}`);
}
