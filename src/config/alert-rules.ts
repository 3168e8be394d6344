import type { Finding } from './problems.ts';
import { valueAt } from './tree.ts';

/** What is wrong with `raw`, a whole profile's plain values, in where alerts go: one of its two settings without the other. */
export function checkAlerts(raw: unknown): Finding[] {
  const said = (name: string) => valueAt(raw, ['alerts', name]) !== undefined;
  if (said('url') === said('secret')) return [];
  const [missing, other] = said('url') ? ['secret', 'url'] : ['url', 'secret'];
  return [
    { path: ['alerts', missing], got: 'nothing', expected: `one beside alerts.${other}, or neither of them` },
  ];
}
