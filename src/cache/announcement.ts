import { valueFrom } from '../shared/plain.ts';
import type { Announcement } from './bus.ts';
import { type Condition, isCondition } from './condition.ts';

/** What names an announcement: of several with the same text the last counts. Lists of names are taken apart, a text for each name. */
export function* textsFor({ condition, effect }: Announcement): Iterable<string> {
  const [only, ...more] = Object.entries(condition ?? {}).filter(([, members]) => members !== undefined);
  if (only === undefined) yield effect;
  else if (more.length > 0) yield `${effect} ${JSON.stringify(sorted([only, ...more]))}`;
  else for (const member of only[1]) yield `${effect} ${JSON.stringify({ [only[0]]: [member] })}`;
}

/** The announcement of a text; undefined for one that is not ours. */
export function announcementOf(text: string): Announcement | undefined {
  const [, effect, rest = ''] = /^(purge|expire)(?: (.+))?$/s.exec(text) ?? [];
  if (effect !== 'purge' && effect !== 'expire') return undefined;
  if (rest === '') return { condition: undefined, effect };
  const condition = valueFrom(rest);
  return isCondition(condition) ? { condition, effect } : undefined;
}

/** The same conditions in one order, whoever put them together. */
function sorted(lists: readonly (readonly [string, readonly string[]])[]): Condition {
  const inOrder = lists.map(([name, members]) => [name, [...members].sort()] as const);
  return Object.fromEntries(inOrder.sort(([one], [other]) => (one < other ? -1 : 1)));
}
