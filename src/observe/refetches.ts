import { crc32 } from 'node:zlib';
import type { Entry } from '../cache/entry.ts';
import { Histogram } from '../shared/histogram.ts';
import { Bounded } from './bounded.ts';
import type { Event } from './events.ts';
import { HASHES, hashOf } from './sampling.ts';

/** What refetches of one type came to. Counted on a sample of its keys. */
export class RefetchLine {
  /** Entries that were fetched anew after their ttl was over. */
  expired = 0;
  /** Those that brought the same bytes. */
  identical = 0;
  /** How old the replaced entry was then, in seconds. */
  readonly ages = new Histogram();
}

/** What is remembered of an entry. */
interface Remembered {
  readonly checksum: number;
  readonly born: number;
  readonly freshUntil: number;
}

/** Compares what is fetched with what it replaces: whether a ttl ends before anything has changed. */
export class Refetches {
  readonly types = new Bounded(() => new RefetchLine());
  readonly #known = new Map<string, Remembered>();
  readonly #most: number;
  /** Keys with a hash below this are remembered. */
  #threshold = HASHES;

  constructor(most = 10_000) {
    this.#most = most;
  }

  /** Takes note of what has been fetched. */
  readonly take = (event: Event): void => {
    if (event.kind !== 'fetched') return;
    for (const entry of event.entries) this.#stored(entry);
  };

  #stored({ key: { id, type }, born, freshUntil, payload }: Entry): void {
    if (hashOf(id) >= this.#threshold) return;
    const checksum = crc32(payload.body);
    const before = this.#known.get(id);
    this.#known.set(id, { checksum, born, freshUntil });
    if (before !== undefined && born >= before.freshUntil) {
      const line = this.types.of(type);
      line.expired += 1;
      if (before.checksum === checksum) {
        line.identical += 1;
        line.ages.record((born - before.born) / 1_000);
      }
    }
    if (this.#known.size > this.#most) this.#thin();
  }

  #thin(): void {
    this.#threshold = Math.floor(this.#threshold / 2);
    for (const id of this.#known.keys()) if (hashOf(id) >= this.#threshold) this.#known.delete(id);
  }
}
