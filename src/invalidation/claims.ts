import type { Effect } from '../cache/condition.ts';
import type { Listed } from '../cache/listed.ts';

/** What orders that are carried out together have counted, until their marks are made. */
export interface Claim {
  /** Counts the entry for an order of this effect; false if it is another's already, or was counted for one of the same claim. */
  take(listed: Listed, effect: Effect): boolean;
  /** Gives everything back. */
  release(): void;
}

/**
 * Whose an entry is, of orders that are carried out at the same time: counting is slow and lets others have their turn, and only the
 * mark that comes after it tells the next order that an entry is gone. What is expired by one may still be purged by another.
 */
export class Claims {
  readonly #taken: Readonly<Record<Effect, Set<Listed>>> = { purge: new Set(), expire: new Set() };

  /** The claim of orders that are carried out from now on. */
  begin(): Claim {
    const taken = this.#taken;
    const own: (readonly [Set<Listed>, Listed])[] = [];
    return {
      take(listed, effect) {
        if (taken.purge.has(listed) || taken[effect].has(listed)) return false;
        taken[effect].add(listed);
        own.push([taken[effect], listed]);
        return true;
      },
      release() {
        for (const [among, listed] of own) among.delete(listed);
      },
    };
  }
}
