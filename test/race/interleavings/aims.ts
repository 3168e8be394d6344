import type { Condition } from '../../../src/cache/condition.ts';

/** What an invalidation is aimed at, as it is drawn. */
export type Aim =
  /** One of the keys asked for so far. */
  | { readonly by: 'key'; readonly at: number }
  | { readonly by: 'condition'; readonly condition: Condition }
  | { readonly by: 'everything' };

/** The condition of an aim; of a key that is not there yet, one that nothing fulfils. */
export function conditionOf(aim: Aim, keys: readonly string[]): Condition | undefined {
  switch (aim.by) {
    case 'key':
      return { keys: [keys[aim.at % Math.max(1, keys.length)] ?? 'none'] };
    case 'condition':
      return aim.condition;
    case 'everything':
      return undefined;
  }
}
