import { Journal } from '../cache/journal.ts';
import type { Clock } from '../shared/clock.ts';

const DAY = 24 * 60 * 60_000;
/** Longer than any sender goes on trying. */
const KEPT_FOR = 7 * DAY;
const KEPT_PER_WEBHOOK = 10_000;

/** When each delivery was carried out, by its fingerprint, the oldest first. */
type Seen = Map<string, number>;

/**
 * The deliveries that have been carried out, so that their repeats are known, also after a restart. Forgetting one does no
 * harm: it is then carried out again.
 */
export class Deliveries {
  readonly #clock: Clock;
  readonly #journal: Journal | undefined;
  readonly #seen: Map<string, Seen> = new Map();
  /** Records in the journal. */
  #written = 0;

  private constructor(clock: Clock, journal: Journal | undefined) {
    this.#clock = clock;
    this.#journal = journal;
  }

  /** Reads what is remembered at `path`, or remembers in memory only. Rejects if the file cannot be used. */
  static async open(path: string | undefined, clock: Clock): Promise<Deliveries> {
    if (path === undefined) return new Deliveries(clock, undefined);
    const { journal, records, whole } = await Journal.open(path);
    const deliveries = new Deliveries(clock, journal);
    for (const record of records) deliveries.#restore(record);
    // What is lost of it would have been known as repeats: no reason to lose more.
    if (!whole) await deliveries.#compact(journal);
    return deliveries;
  }

  /** Whether a delivery to `webhook` with this fingerprint has been carried out. */
  has(webhook: string, fingerprint: string): boolean {
    const at = this.#seen.get(webhook)?.get(fingerprint);
    return at !== undefined && !this.#isOver(at);
  }

  /** Remembers a delivery that has been carried out. Resolves when that is on disk; rejects if it cannot be. */
  async remember(webhook: string, fingerprint: string): Promise<void> {
    const at = this.#clock.now();
    this.#keep(webhook, fingerprint, at);
    if (this.#journal === undefined) return;
    if (this.#written >= 2 * this.#count() + SPARE) return await this.#compact(this.#journal);
    this.#written += 1;
    try {
      await this.#journal.append([[webhook, fingerprint, at]]);
    } catch (thrown) {
      // Until it is written anew, the journal takes nothing: next time.
      this.#written = Number.POSITIVE_INFINITY;
      throw thrown;
    }
  }

  /** Resolves when all that was remembered is on disk. */
  async close(): Promise<void> {
    await this.#journal?.close();
  }

  #restore(record: unknown): void {
    this.#written += 1;
    if (!isDelivery(record)) return;
    const [webhook, fingerprint, at] = record;
    if (!this.#isOver(at)) this.#keep(webhook, fingerprint, at);
  }

  #keep(webhook: string, fingerprint: string, at: number): void {
    const seen: Seen = this.#seen.get(webhook) ?? new Map();
    this.#seen.set(webhook, seen);
    seen.delete(fingerprint);
    seen.set(fingerprint, at);
    for (const [oldest, then] of seen) {
      if (seen.size <= KEPT_PER_WEBHOOK && !this.#isOver(then)) break;
      seen.delete(oldest);
    }
  }

  async #compact(journal: Journal): Promise<void> {
    const records = [...this.#seen].flatMap(([webhook, seen]) =>
      [...seen].map(([fingerprint, at]) => [webhook, fingerprint, at]),
    );
    await journal.rewrite(records);
    this.#written = records.length;
  }

  #count(): number {
    let count = 0;
    for (const seen of this.#seen.values()) count += seen.size;
    return count;
  }

  #isOver(at: number): boolean {
    return at + KEPT_FOR <= this.#clock.now();
  }
}

/** So many records more than needed are no reason to write the journal anew. */
const SPARE = 1_000;

function isDelivery(record: unknown): record is readonly [string, string, number] {
  if (!Array.isArray(record)) return false;
  const [webhook, fingerprint, at] = record;
  return typeof webhook === 'string' && typeof fingerprint === 'string' && typeof at === 'number';
}
