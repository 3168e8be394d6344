import type { Entry } from '../cache/entry.ts';
import { type Level, NO_FIGURES, type Tier, type TierFigures, type TierHealth } from '../cache/tier.ts';
import type { HubCalls } from './calls.ts';
import { pack, sizeOf, unpack } from './parcel.ts';
import type { Wire } from './wire.ts';

/** Bytes that may be on their way to the hub; what is above is not stored there. */
const MOST_SENT = 64_000_000;

/** A tier of the hub's, and whether other instances have it as well. */
export interface SharedLevel {
  readonly level: Level;
  readonly isShared: boolean;
}

/** What a {@link HubTier} works with. */
export interface HubTierContext {
  readonly wire: Wire<HubCalls>;
  /** Told, to be passed on by and by, that an entry is in use. */
  readonly touched: (level: Level, id: string) => void;
  /**
   * All threads are to know that there is this entry now. Absent for a tier that may get copies of what a lower one holds: they are not
   * news, and whoever is just finding the same there would take it for old.
   */
  readonly stored?: (entry: Entry) => void;
  /** All threads are to know that there is none any more. */
  readonly deleted: (id: string) => void;
}

/** A tier that the hub has, as a thread sees it. What goes wrong on the way is a miss. */
export class HubTier implements Tier {
  readonly level: Level;
  readonly isShared: boolean;
  readonly #context: HubTierContext;
  #sent = 0;

  constructor({ level, isShared }: SharedLevel, context: HubTierContext) {
    this.level = level;
    this.isShared = isShared;
    this.#context = context;
  }

  async get(id: string): Promise<Entry | undefined> {
    const [entry] = await this.#ask([id]);
    return entry;
  }

  async getMany(ids: readonly string[]): Promise<ReadonlyMap<string, Entry>> {
    const entries = await this.#ask(ids);
    return new Map(entries.map((entry) => [entry.key.id, entry]));
  }

  set(entry: Entry): void {
    const bytes = sizeOf([entry]);
    if (this.#sent + bytes > MOST_SENT) {
      this.delete(entry.key.id);
      return;
    }
    this.#sent += bytes;
    const arrived = () => {
      this.#sent -= bytes;
    };
    this.#context.wire.ask('set', { level: this.level, ...pack([entry]) }).then(arrived, arrived);
    this.#context.stored?.(entry);
  }

  delete(id: string): void {
    this.#context.deleted(id);
    this.#context.wire.tell('remove', { level: this.level, id });
  }

  /** Resolves when what was set before can be found by other instances, too, or will not be. */
  async written(ids: readonly string[]): Promise<void> {
    if (this.isShared) await this.#context.wire.ask('written', { level: this.level, ids });
  }

  touch(id: string): void {
    this.#context.touched(this.level, id);
  }

  /** The hub sweeps. */
  async sweep(): Promise<void> {}

  /** The hub counts. */
  figures(): TierFigures {
    return NO_FIGURES;
  }

  /** The hub tells. */
  health(): TierHealth {
    return { state: 'ok' };
  }

  async close(): Promise<void> {}

  async #ask(ids: readonly string[]): Promise<Entry[]> {
    const parcel = await this.#context.wire.ask('get', { level: this.level, ids }).catch(() => undefined);
    return parcel === undefined ? [] : unpack(parcel);
  }
}
