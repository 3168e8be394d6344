import { randomUUID } from 'node:crypto';
import type { Bus } from '../cache/bus.ts';
import type { Catalog } from '../cache/catalog.ts';
import type { Condition } from '../cache/condition.ts';
import { type Mark, oldestOf } from '../cache/mark.ts';
import type { Marks } from '../cache/marks.ts';
import type { Background } from '../shared/background.ts';
import type { Stamps } from '../shared/stamps.ts';
import { unhurried } from '../shared/unhurried.ts';
import { type Claim, Claims } from './claims.ts';
import type { Invalidator, Order, Outcome } from './invalidator.ts';

/** What carrying out invalidations takes. */
export interface InvalidationsOptions {
  readonly stamps: Stamps;
  readonly marks: Marks;
  readonly catalog: Catalog;
  readonly background: Background;
  /** Joins this instance with others. */
  readonly bus: Pick<Bus, 'publish'>;
  /** Resolves when these marks survive a crash; rejects if they may not. */
  readonly keep: (marks: readonly Mark[]) => Promise<void>;
  /** Removes an invalidated entry from every tier. */
  readonly remove: (id: string) => void;
}

/** Entries that are counted exactly; beyond that it is said to be at least so many. */
const COUNTED = 10_000;
const SAMPLED = 20;

/** Carries invalidations out: in memory at once, on disk before anybody is told, and with a sweep behind that gives the bytes back. */
export class Invalidations implements Invalidator {
  readonly #options: InvalidationsOptions;
  readonly #claims = new Claims();

  constructor(options: InvalidationsOptions) {
    this.#options = options;
  }

  async invalidate(orders: readonly Order[]): Promise<readonly Outcome[]> {
    const { stamps, marks, bus, keep, background } = this.#options;
    const claim = this.#claims.begin();
    const outcomes: Outcome[] = [];
    const made: Mark[] = [];
    try {
      for (const order of orders) outcomes.push(await this.#outcome(order, claim));
      for (const { condition, effect, dryRun } of orders)
        if (!dryRun) made.push({ condition, effect, stamp: stamps.next() });
      for (const mark of made) marks.add(mark);
    } finally {
      // From now on they are as their marks say.
      claim.release();
    }
    if (made.length === 0) return outcomes;
    const [instances] = await Promise.all([bus.publish(made), keep(made)]);
    for (const { condition, effect } of made)
      if (effect === 'purge') background.run('sweeping what was invalidated', this.sweep(condition));
    return instances === undefined ? outcomes : outcomes.map((outcome) => ({ ...outcome, instances }));
  }

  /**
   * Removes what marks have killed, whenever that was, of what is meant. Gives the oldest stamp of all that lay there, infinite for
   * nothing.
   */
  async sweep(condition?: Condition): Promise<number> {
    const { catalog, marks, remove } = this.#options;
    let oldest = Number.POSITIVE_INFINITY;
    await unhurried(catalog.lying(condition), (listed) => {
      oldest = Math.min(oldest, oldestOf(listed));
      if (marks.standing(listed) === 'purged') remove(listed.key.id);
    });
    return oldest;
  }

  async #outcome({ condition, effect, dryRun, exact }: Order, claim: Claim): Promise<Outcome> {
    const { marks, catalog } = this.#options;
    const sample: string[] = [];
    let matched = 0;
    let invalidated = 0;
    let bytes = 0;
    let atLeast = false;
    await unhurried(catalog.meant(condition), (listed) => {
      const isChanged = effect === 'purge' || marks.standing(listed) === 'alive';
      if (isChanged && !dryRun && !claim.take(listed, effect)) return;
      if (matched === COUNTED && exact !== true) {
        atLeast = true;
        return 'enough';
      }
      matched += 1;
      if (isChanged && !dryRun) invalidated += 1;
      bytes += listed.size;
      if (sample.length < SAMPLED) sample.push(listed.key.shown);
    });
    return { id: newId(), matched, invalidated, atLeast, bytes, sample };
  }
}

function newId(): string {
  return `inv_${randomUUID()}`;
}
