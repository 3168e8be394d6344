import type { Entry } from '../cache/entry.ts';
import type { Listed } from '../cache/listed.ts';
import { listedOf } from '../cache/listed.ts';
import { setLatest } from '../shared/set-latest.ts';

/** Of more a thread may fetch what another one has just fetched. */
const MOST = 10_000;

/** What threads have stored lately: who has looked before that, and asks to fetch it, need not. */
export class Lately {
  readonly #stored = new Map<string, Listed>();

  note(entry: Entry): void {
    setLatest(this.#stored, entry.key.id, listedOf(entry), MOST);
  }

  forget(id: string): void {
    this.#stored.delete(id);
  }

  get(id: string): Listed | undefined {
    return this.#stored.get(id);
  }
}
