import type { Codec } from '../codec/compress.ts';
import type { Slot } from './disk-index.ts';
import type { Entry } from './entry.ts';
import type { TierFigures } from './tier.ts';

/** What a {@link TierCounts} tells of the figures of a tier. */
type Counted = Omit<TierFigures, 'entries' | 'bytes' | 'maxBytes' | 'queue'>;

/** What has happened in a tier below L1 since the process began, counted. */
export class TierCounts {
  readonly #counted = { hits: 0, misses: 0, evictions: 0, unexpired: 0, expirations: 0, faults: 0 };
  readonly #packed = { rawBytes: 0, storedBytes: 0 };

  /** A read, by what it found, which is handed back. */
  read(entry: Entry | undefined): Entry | undefined {
    if (entry === undefined) this.#counted.misses++;
    else this.#counted.hits++;
    return entry;
  }

  /** A read of several. */
  readMany(found: number, asked: number): void {
    this.#counted.hits += found;
    this.#counted.misses += asked - found;
  }

  /** A record given up at `now`, in milliseconds since the epoch, for its space or for its age. */
  dropped(slot: Slot, now: number): void {
    if (slot.keepUntil <= now) this.#counted.expirations++;
    else this.#counted.evictions++;
    if (slot.freshUntil > now) this.#counted.unexpired++;
  }

  /** A record that was made: the bytes of its body before and after compression. */
  packed(rawBytes: number, storedBytes: number): void {
    this.#packed.rawBytes += rawBytes;
    this.#packed.storedBytes += storedBytes;
  }

  /** Reads or writes that came to nothing. */
  failed(times = 1): void {
    this.#counted.faults += times;
  }

  /** All of it; compression only where there is some. */
  figures(codec: Codec): Counted {
    return { ...this.#counted, ...(codec !== 'none' && { compression: { codec, ...this.#packed } }) };
  }
}
