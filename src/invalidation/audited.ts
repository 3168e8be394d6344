import type { Condition } from '../cache/condition.ts';
import type { Clock } from '../shared/clock.ts';
import type { AuditLog } from './audit-log.ts';
import type { Invalidator, Order, Outcome } from './invalidator.ts';

/** The same invalidator, whose every order is told to `audit` once it has been carried out. */
export function audited(invalidator: Invalidator, audit: AuditLog, clock: Clock): Invalidator {
  return {
    async invalidate(orders) {
      const at = new Date(clock.now()).toISOString();
      const began = clock.elapsed();
      const outcomes = await invalidator.invalidate(orders);
      const ms = Math.round((clock.elapsed() - began) * 10) / 10;
      for (const [index, order] of orders.entries()) {
        const outcome = outcomes[index];
        if (outcome !== undefined) audit.record({ ...toldOf(order, outcome), at, ms });
      }
      return outcomes;
    },
  };
}

/** Members of a list, and characters of a member, that are told. Of ten thousand tags the first ones will do. */
const MOST_MEMBERS = 20;
const LONGEST_MEMBER = 200;

function toldOf({ condition, effect, by, dryRun }: Order, outcome: Outcome) {
  const { id, matched, invalidated, atLeast } = outcome;
  return {
    id,
    by,
    mode: effect,
    dry_run: dryRun,
    ...shortened(condition),
    matched,
    invalidated,
    ...(atLeast && { at_least: true as const }),
  };
}

function shortened(condition: Condition = {}): { condition: Condition; omitted: number } {
  let omitted = 0;
  const lists = Object.entries(condition).map(([name, members]: [string, readonly string[]]) => {
    const told = members.slice(0, MOST_MEMBERS);
    omitted += members.length - told.length;
    return [name, told.map((member) => member.slice(0, LONGEST_MEMBER))];
  });
  return { condition: Object.fromEntries(lists), omitted };
}
