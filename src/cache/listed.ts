import type { Entry, Key, Tagged, Times } from './entry.ts';

/** An entry without its payload. */
export interface Listed extends Times {
  readonly key: Key;
  readonly stamp: number;
  readonly tags: readonly Tagged[];
  /** Bytes of its body. */
  readonly size: number;
}

/** Told what a tier holds. */
export interface Watch {
  /** It holds this, in the place of what it may have held under the same id. */
  held(listed: Listed): void;
  /** It holds nothing under this id any more. */
  dropped(id: string): void;
  /** It holds nothing any more. */
  emptied(): void;
}

/** What is listed of an entry. */
export function listedOf({
  key,
  stamp,
  tags,
  payload,
  born,
  freshUntil,
  staleUntil,
  keepUntil,
}: Entry): Listed {
  return { key, stamp, tags, size: payload.body.length, born, freshUntil, staleUntil, keepUntil };
}

/** A watch that tells nobody. */
export const UNWATCHED: Watch = { held() {}, dropped() {}, emptied() {} };
