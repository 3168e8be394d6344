import { randomUUID } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import type { Bus } from '../cache/bus.ts';
import type { Catalog } from '../cache/catalog.ts';
import type { Condition } from '../cache/condition.ts';
import type { Listed } from '../cache/listed.ts';
import { type Mark, oldestOf } from '../cache/mark.ts';
import type { Marks } from '../cache/marks.ts';
import type { Background } from '../shared/background.ts';
import type { Stamps } from '../shared/stamps.ts';
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
/** Entries that are looked at before other work gets a turn: with a thousand patterns marked each may take 0.2 ms (measured). */
const SLICE = 50;

/** Carries invalidations out: in memory at once, on disk before anybody is told, and with a sweep behind that gives the bytes back. */
export class Invalidations implements Invalidator {
  readonly #options: InvalidationsOptions;

  constructor(options: InvalidationsOptions) {
    this.#options = options;
  }

  async invalidate(orders: readonly Order[]): Promise<readonly Outcome[]> {
    const { stamps, marks, bus, keep, background } = this.#options;
    const outcomes: Outcome[] = [];
    for (const order of orders) outcomes.push(await this.#outcome(order));
    const made = orders
      .filter(({ dryRun }) => !dryRun)
      .map(({ condition, effect }): Mark => ({ condition, effect, stamp: stamps.next() }));
    if (made.length === 0) return outcomes;
    for (const mark of made) marks.add(mark);
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
    for await (const listed of unhurried(catalog.lying(condition))) {
      oldest = Math.min(oldest, oldestOf(listed));
      if (marks.standing(listed) === 'purged') remove(listed.key.id);
    }
    return oldest;
  }

  async #outcome({ condition, effect, dryRun }: Order): Promise<Outcome> {
    const { marks, catalog } = this.#options;
    const sample: string[] = [];
    let matched = 0;
    let atLeast = false;
    for await (const listed of unhurried(catalog.meant(condition))) {
      if (effect === 'expire' && marks.standing(listed) === 'expired') continue;
      if (matched === COUNTED) {
        atLeast = true;
        break;
      }
      matched += 1;
      if (sample.length < SAMPLED) sample.push(listed.key.shown);
    }
    return { id: newId(), matched, invalidated: dryRun ? 0 : matched, atLeast, sample };
  }
}

/** Walks through entries, however many have to be looked at for them. */
async function* unhurried(entries: Iterable<Listed | undefined>): AsyncGenerator<Listed> {
  let seen = 0;
  for (const listed of entries) {
    if (listed !== undefined) yield listed;
    seen += 1;
    if (seen % SLICE === 0) await turn();
  }
}

function newId(): string {
  return `inv_${randomUUID()}`;
}
