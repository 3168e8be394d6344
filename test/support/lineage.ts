import type { Lineage } from '../../src/policy/lineage.ts';

/** What a trace inherits; `too-many` where what is known of that is not all. */
export function inherited(
  lineage: Lineage,
  owner: string,
  id: string,
): ReturnType<Lineage['inherited']>['tags'] | 'too-many' {
  const { tags, isWhole } = lineage.inherited(owner, id);
  return isWhole ? tags : 'too-many';
}
