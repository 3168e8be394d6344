import type { Condition, Effect } from '../cache/condition.ts';
import type { Invalidator } from '../invalidation/invalidator.ts';
import { isHeaderText } from '../shared/tag.ts';
import { type Ask, type ControlCall, controlCall } from './call.ts';
import { carryOut } from './carry-out.ts';
import { CONDITION_FIELDS, LONGEST_TAG, MOST_MEMBERS, readCondition } from './condition.ts';
import { bodyFields, mistake, switchIn, textsIn, wordIn } from './fields.ts';

/** What invalidating by hand works with. */
export interface InvalidateContext {
  readonly invalidator: Invalidator;
  /** The names of the profile's types. */
  readonly types: () => Iterable<string>;
}

/** `POST /cache/invalidate`, and `PURGE /`, which says the same as tools for CDNs do. */
export function invalidateCalls({ invalidator, types }: InvalidateContext): readonly ControlCall[] {
  const answer = async (condition: Condition, effect: Effect, dryRun: boolean): Promise<Response> => {
    const outcome = await carryOut(invalidator, { condition, effect, dryRun });
    const { id, matched, invalidated, atLeast, sample, instances } = outcome;
    return Response.json({
      id,
      matched,
      invalidated,
      ...(atLeast && { at_least: true }),
      dry_run: dryRun,
      sample,
      ...(instances && { instances }),
    });
  };
  return [
    controlCall('admin', '/cache/invalidate', {
      async POST(ask) {
        const fields = await bodyFields(ask, [...CONDITION_FIELDS, 'mode', 'dry_run']);
        const effect = wordIn(fields, 'mode', ['purge', 'expire']);
        const dryRun = switchIn(fields, 'dry_run');
        const condition = readCondition(fields, types());
        if (condition === undefined) {
          throw mistake('the condition', undefined, `some of ${CONDITION_FIELDS.join(', ')}`);
        }
        return await answer(condition, effect, dryRun);
      },
    }),
    controlCall('admin', '/', {
      PURGE: (ask) => {
        // Fastly's word for what stays usable when the origin fails.
        const soft = ask.header('fastly-soft-purge') === '1';
        return answer({ tags: purgedTags(ask) }, soft ? 'expire' : 'purge', false);
      },
    }),
  ];
}

/** The tags of a purge, parted by blanks in `surrogate-key` (Fastly, Varnish) and by commas in `cache-tag` (Cloudflare). */
function purgedTags(ask: Ask): readonly string[] {
  const line = (name: string) => {
    const value = ask.header(name) ?? '';
    if (!isHeaderText(value))
      throw mistake(name, value, 'tags in ASCII; POST /cache/invalidate takes others');
    return value;
  };
  const tags = [
    ...line('surrogate-key').split(/[ \t]/),
    ...line('cache-tag')
      .split(',')
      .map((tag) => tag.trim()),
  ].filter((tag) => tag !== '');
  if (tags.length === 0)
    throw mistake('surrogate-key', undefined, 'the tags to purge there, or in cache-tag');
  const bounds = { most: MOST_MEMBERS, longest: LONGEST_TAG };
  return textsIn(new Map([['surrogate-key', tags]]), 'surrogate-key', bounds) ?? [];
}
