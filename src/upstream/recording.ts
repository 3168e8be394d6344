import type { Clock, Timer } from '../shared/clock.ts';
import type { RepriseError } from '../shared/errors.ts';

/** What reads a recording, from its first byte, at its own pace. */
export interface Cursor {
  /** The next bytes, as soon as there are any; `end` after the last. Rejects if the upstream broke or this reader was cut off. */
  next(): Promise<Buffer | 'end'>;
  /** Reads no more. */
  leave(): void;
}

/** What a recording needs. */
export interface RecordingOptions {
  readonly clock: Clock;
  /** Bytes that are kept for those who come late. */
  readonly maxBytes: number;
  /** Told once, when more has come than is kept: from then on nobody new can follow. */
  readonly onOverflow: () => void;
  /** Told to stop and to start the upstream, in turn. */
  readonly pause: () => void;
  readonly resume: () => void;
}

// A chunk costs 330 bytes beside its own (measured): an upstream that sends byte by byte would fill the memory while it is
// still within its bound. Events of 160 bytes, shorter than any of OpenAI's, reach 16 MB first.
const MAX_CHUNKS = 100_000;
// Beyond what is kept, the upstream waits for the slowest reader once that is so far behind …
const BEHIND_BYTES = 1_000_000;
const BEHIND_CHUNKS = 3_000;
// … and a reader that takes nothing for so long is cut off, so that it cannot hold the others up for ever.
const STALL_MS = 30_000;

/**
 * The bytes of one upstream answer as they come, for any number of readers. While it is within its bound everything is
 * kept, so a reader may come at any time; beyond it only what some reader has yet to take, and the upstream is held back.
 */
export class Recording {
  readonly #options: RecordingOptions;
  readonly #readers = new Set<Reader>();
  /** By index, counted from the very first: dropping from the front of an array costs as much as it holds. */
  readonly #chunks = new Map<number, Buffer>();
  #appended = 0;
  /** How many chunks have been dropped from the front. */
  #dropped = 0;
  /** Bytes of the chunks that are held. */
  #held = 0;
  #overflowed = false;
  #paused = false;
  #state: 'open' | 'complete' | 'broken' = 'open';
  #error: RepriseError | undefined;

  constructor(options: RecordingOptions) {
    this.#options = options;
  }

  /** Whether more has come than is kept. */
  get overflowed(): boolean {
    return this.#overflowed;
  }

  /** Takes the next chunk, which must be nobody else's to change. */
  append(chunk: Buffer): void {
    this.#chunks.set(this.#appended, chunk);
    this.#appended += 1;
    this.#held += chunk.length;
    // Until then nothing is dropped: what is held is all that has come.
    const exceeds = this.#held > this.#options.maxBytes || this.#chunks.size > MAX_CHUNKS;
    if (exceeds && !this.#overflowed) {
      this.#overflowed = true;
      this.#options.onOverflow();
    }
    this.#wake();
    if (this.#overflowed) this.#trim();
  }

  /** The answer is complete. */
  complete(): void {
    this.#state = 'complete';
    this.#wake();
  }

  /** The answer has broken off. Once it is complete, nothing breaks it any more. */
  fail(error: RepriseError): void {
    if (this.#state !== 'open') return;
    this.#state = 'broken';
    this.#error = error;
    this.#wake();
  }

  /** Everything that has come, in one buffer. Only while nothing has been dropped. */
  body(): Buffer {
    if (this.#dropped > 0) throw new Error('the recording no longer holds its beginning');
    const chunks = [...this.#chunks.values()];
    const [only] = chunks;
    return only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks, this.#held);
  }

  /** A cursor at the first byte. */
  follow(): Cursor {
    if (this.#dropped > 0) throw new Error('the recording no longer holds its beginning');
    const reader: Reader = { at: 0, waiting: undefined, stall: undefined, cut: false };
    this.#readers.add(reader);
    return { next: () => this.#next(reader), leave: () => this.#leave(reader) };
  }

  #next(reader: Reader): Promise<Buffer | 'end'> {
    const { promise, resolve, reject } = Promise.withResolvers<Buffer | 'end'>();
    reader.waiting = { resolve, reject };
    this.#serve(reader);
    if (this.#overflowed) this.#trim();
    return promise;
  }

  #leave(reader: Reader): void {
    reader.stall?.cancel();
    reader.waiting = undefined;
    this.#readers.delete(reader);
    if (this.#overflowed) this.#trim();
  }

  #wake(): void {
    for (const reader of this.#readers) this.#serve(reader);
  }

  /** Gives a waiting reader what is next for it, if that is known. */
  #serve(reader: Reader): void {
    const { waiting } = reader;
    if (waiting === undefined) return;
    const chunk = reader.cut ? undefined : this.#chunks.get(reader.at);
    if (chunk !== undefined) {
      reader.at += 1;
      reader.waiting = undefined;
      reader.stall?.cancel();
      reader.stall = undefined;
      waiting.resolve(chunk);
    } else if (reader.cut || this.#state === 'broken') {
      reader.waiting = undefined;
      waiting.reject(this.#error ?? new Error('this reader took nothing for too long'));
    } else if (this.#state === 'complete') {
      reader.waiting = undefined;
      waiting.resolve('end');
    }
  }

  /** Beyond the bound: drops what every reader has taken, and holds the upstream back for the slowest. */
  #trim(): void {
    let slowest = this.#appended;
    for (const reader of this.#readers) if (!reader.cut) slowest = Math.min(slowest, reader.at);
    for (; this.#dropped < slowest; this.#dropped += 1) {
      this.#held -= this.#chunks.get(this.#dropped)?.length ?? 0;
      this.#chunks.delete(this.#dropped);
    }
    const full = this.#held > BEHIND_BYTES || this.#chunks.size > BEHIND_CHUNKS;
    if (full) this.#watchSlowest(slowest);
    this.#hold(full);
  }

  #watchSlowest(slowest: number): void {
    for (const reader of this.#readers) {
      if (reader.at !== slowest || reader.cut || reader.stall !== undefined) continue;
      reader.stall = this.#options.clock.after(STALL_MS, () => {
        reader.cut = true;
        this.#serve(reader);
        this.#trim();
      });
    }
  }

  #hold(full: boolean): void {
    if (full === this.#paused || this.#state !== 'open') return;
    this.#paused = full;
    if (full) this.#options.pause();
    else this.#options.resume();
  }
}

interface Reader {
  /** Index of the chunk it gets next, counted from the very first. */
  at: number;
  waiting: { resolve(value: Buffer | 'end'): void; reject(reason: unknown): void } | undefined;
  stall: Timer | undefined;
  cut: boolean;
}
