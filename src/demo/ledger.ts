import type { Call, Kind } from './call.ts';

/** What the customers know of the entries they were answered from, without asking the proxy. */
export class Ledger {
  readonly #kinds = new Map<string, Kind>();
  /** For each article the keys of the entries that speak of it, or were written from it. */
  readonly #about = new Map<string, Set<string>>();

  /** Notes what a call was answered from. */
  record({ kind, key, about }: Call): void {
    if (key === null) return;
    this.#kinds.set(key, kind);
    for (const id of about) {
      const keys = this.#about.get(id) ?? new Set();
      this.#about.set(id, keys.add(key));
    }
  }

  /** The keys of the entries that speak of the article with this id. */
  about(id: string): ReadonlySet<string> {
    return this.#about.get(id) ?? new Set();
  }

  /** Of which kind the entry with this key is; undefined if nobody was answered from it. */
  kindOf(key: string): Kind | undefined {
    return this.#kinds.get(key);
  }
}
