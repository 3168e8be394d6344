/**
 * How an entry's body is to be read:
 * `json` one JSON document as the upstream sent it; `sse` a complete event stream, cleaned of padding and comments;
 * `vector` one embedding as float32 little-endian; `raw` any other bytes.
 */
export type Form = 'json' | 'sse' | 'vector' | 'raw';

/** Small facts an endpoint keeps beside the body, such as the tokens a vector cost. */
export type Facts = Readonly<Record<string, string | number | boolean | null>>;

/** What was answered for one part of a request: an entry without its key and its times. */
export interface Payload {
  readonly form: Form;
  /** The upstream's status: 200, or 404 where a type has a `negative_ttl`. */
  readonly status: number;
  /** Response headers that may be replayed, lower-case names, already filtered by the allow-list. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly facts: Facts;
  /** Exactly sized: never a view into a larger buffer, which it would keep alive. */
  readonly body: Buffer;
}

/** The four absolute times of an entry, in milliseconds since the epoch. Tiers keep them and never compute any. */
export interface Times {
  /** When the answer was complete; `age` counts from here. */
  readonly born: number;
  /** Until then it is served without asking. */
  readonly freshUntil: number;
  /** Until then it is served while one refresh runs (stale-while-revalidate). */
  readonly staleUntil: number;
  /** Until then it is served when the upstream fails (stale-if-error); after it the entry is gone. */
  readonly keepUntil: number;
}

/** Which entry: `id` addresses it in every tier, `shown` is what people see. */
export interface Key {
  /** SHA-256 in base64url, 43 characters. */
  readonly id: string;
  /** `type/namespace/model-or-route/id`, segments percent-encoded. */
  readonly shown: string;
  /** The lifetime policy's name. */
  readonly type: string;
}

/**
 * A tag, and the stamp at which what it speaks of was asked for: the entry's own, or that of the entry it was written from,
 * whose birth it inherits. An invalidation of the tag after that stamp concerns the entry.
 */
export type Tagged = readonly [tag: string, stamp: number];

/** One cached part: its key, its times and what was answered. Immutable. */
export interface Entry extends Times {
  readonly key: Key;
  /** When its fetch began, by the hybrid clock of `shared/stamps.ts`: every later invalidation concerns it. */
  readonly stamp: number;
  /** What it speaks of, each tag once. */
  readonly tags: readonly Tagged[];
  readonly payload: Payload;
}

/**
 * The bytes an entry is charged for in memory: its body, its headers, tags and facts, and what V8 and the maps around it cost
 * (measured at about 1.2 KB an entry, of which the strings counted here are part).
 */
export function chargeOf(entry: Entry): number {
  let strings = entry.key.shown.length + entry.key.id.length;
  for (const [name, value] of entry.payload.headers) strings += name.length + value.length;
  for (const [tag] of entry.tags) strings += tag.length + 16;
  for (const name in entry.payload.facts) strings += name.length + 16;
  return entry.payload.body.length + 2 * strings + 900;
}
