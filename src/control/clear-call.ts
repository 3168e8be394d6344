import type { Condition } from '../cache/condition.ts';
import type { Cleared, Level } from '../cache/tier.ts';
import type { Invalidator } from '../invalidation/invalidator.ts';
import { type ControlCall, controlCall } from './call.ts';
import { carryOut } from './carry-out.ts';
import { readCondition } from './condition.ts';
import { bodyFields, mistake, textsIn } from './fields.ts';

/** What clearing works with. */
export interface ClearContext {
  readonly invalidator: Invalidator;
  /** How all copies in one level are dropped, for each level there is. Entries that another level has too live on there. */
  readonly drops: ReadonlyMap<Level, () => Promise<Cleared>>;
  /** The names of the profile's types. */
  readonly types: () => Iterable<string>;
}

/** `POST /cache/clear`: a purge of everything, or of a type or namespace; with `level` only copies are dropped. */
export function clearCall(context: ClearContext): ControlCall {
  return controlCall('admin', '/cache/clear', {
    async POST(ask) {
      const fields = await bodyFields(ask, ['type', 'namespace', 'level']);
      const condition = readCondition(fields, context.types());
      const [level] = textsIn(fields, 'level', { most: 1, longest: 20 }) ?? [];
      const cleared =
        level === undefined
          ? await purge(context.invalidator, condition)
          : await dropOf(context, level, condition)();
      return Response.json({ cleared: cleared.cleared, freed_bytes: cleared.freedBytes });
    },
  });
}

/** Counted by who purges, so that of two that clear at once each counts what it has taken itself. */
async function purge(invalidator: Invalidator, condition: Condition | undefined): Promise<Cleared> {
  const order = { condition, effect: 'purge', dryRun: false, exact: true } as const;
  const { matched, bytes } = await carryOut(invalidator, order);
  return { cleared: matched, freedBytes: bytes };
}

function dropOf(
  { drops }: ClearContext,
  level: string,
  condition: Condition | undefined,
): () => Promise<Cleared> {
  const found = [...drops].find(([name]) => name === level);
  if (found === undefined) throw mistake('level', level, [...drops.keys()].join(' or '));
  if (condition !== undefined) throw mistake('level', level, 'no type and no namespace beside it');
  return found[1];
}
