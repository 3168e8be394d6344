import type { Entry, Tagged } from '../cache/entry.ts';
import { withTagged } from '../cache/tagged.ts';
import { setLatest } from '../shared/set-latest.ts';

/**
 * What threads have set lately: of one answer all counts that any of them says of it. Each adds to the copy that it has, and has heard by
 * the next time of what the others added: it is only what crosses on the way that has to be put together here.
 */
export class LatelySet {
  readonly #latest = new Map<string, { readonly stamp: number; readonly tags: readonly Tagged[] }>();

  /** The entry, with all that was said of the same answer lately; itself if that is no more than it says. */
  merged(entry: Entry): Entry {
    const { stamp } = entry;
    const known = this.#latest.get(entry.key.id);
    const tags = known?.stamp === stamp ? withTagged(entry.tags, known.tags) : entry.tags;
    setLatest(this.#latest, entry.key.id, { stamp, tags }, MOST);
    return tags === entry.tags ? entry : { ...entry, tags };
  }
}

/** More than are set while one message is on its way. */
const MOST = 1_000;
