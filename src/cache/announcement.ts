import { valueFrom } from '../shared/plain.ts';
import type { Announcement } from './bus.ts';
import { type Condition, isCondition } from './condition.ts';

/**
 * What names an announcement: of several with the same text the last counts. Lists of names are taken apart, a text for each name, of
 * which any number costs little; patterns are not, for each that stands alone is one more that everything is held against.
 */
export function* textsFor(announced: Announcement): Iterable<string> {
  const [only, ...more] = listsOf(announced);
  if (only === undefined || more.length > 0 || only[0] === 'patterns') yield announcementText(announced);
  else for (const member of only[1]) yield `${announced.effect} ${JSON.stringify({ [only[0]]: [member] })}`;
}

/** The text of an announcement as a whole, the same for all that mean the same in the same words. */
export function announcementText(announced: Announcement): string {
  const { effect } = announced;
  const lists = listsOf(announced);
  return lists.length === 0 ? effect : `${effect} ${JSON.stringify(sorted(lists))}`;
}

/** The announcement of a text; undefined for one that is not ours. */
export function announcementOf(text: string): Announcement | undefined {
  const [, effect, rest = ''] = /^(purge|expire)(?: (.+))?$/s.exec(text) ?? [];
  if (effect !== 'purge' && effect !== 'expire') return undefined;
  if (rest === '') return { condition: undefined, effect };
  const condition = valueFrom(rest);
  return isCondition(condition) ? { condition, effect } : undefined;
}

/** The lists of a condition that are there, by their names. */
function listsOf({ condition }: Announcement): readonly (readonly [string, readonly string[]])[] {
  return Object.entries(condition ?? {}).filter(([, members]) => members !== undefined);
}

/** The same conditions in one order, whoever put them together. */
function sorted(lists: readonly (readonly [string, readonly string[]])[]): Condition {
  const inOrder = lists.map(([name, members]) => [name, [...members].sort()] as const);
  return Object.fromEntries(inOrder.sort(([one], [other]) => (one < other ? -1 : 1)));
}
