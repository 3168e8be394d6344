import type { Catalog } from '../cache/catalog.ts';
import type { Listed } from '../cache/listed.ts';
import type { AuditLog } from '../invalidation/audit-log.ts';
import { RepriseError } from '../shared/errors.ts';
import { behind, type ControlCall, controlCall } from './call.ts';
import { readCondition } from './condition.ts';
import { countIn, mistake, queryFields, textsIn } from './fields.ts';

/** What is listed. */
export interface ListingContext {
  readonly catalog: Pick<Catalog, 'page' | 'isCursor' | 'get'>;
  readonly audit: Pick<AuditLog, 'latest'>;
  /** The names of the profile's types. */
  readonly types: () => Iterable<string>;
}

/** The entries that there are, page by page and each by its key, and the invalidations there were. */
export function listingCalls({ catalog, audit, types }: ListingContext): readonly ControlCall[] {
  return [
    controlCall('admin', ENTRIES, {
      async GET(ask) {
        const fields = queryFields(ask, ['type', 'namespace', 'model', 'tag', 'pattern', 'limit', 'cursor']);
        const condition = readCondition(fields, types(), { tags: 'tag' });
        const [cursor] = textsIn(fields, 'cursor', { most: 1, longest: 1_000 }) ?? [];
        if (cursor !== undefined && !catalog.isCursor(cursor))
          throw mistake('cursor', cursor, 'the cursor of the page before');
        const page = await catalog.page(condition, countIn(fields, 'limit', 100, 1_000), cursor);
        return Response.json({ entries: page.entries.map(entryJson), cursor: page.cursor ?? null });
      },
    }),
    controlCall('admin', `${ENTRIES}/*`, {
      GET(ask) {
        const key = keyIn(behind(3, ask.path));
        const entry = catalog.get(key);
        if (entry === undefined) {
          throw new RepriseError('not_found', `There is no entry ${key.slice(0, 200)}.`, { param: 'key' });
        }
        return Response.json(entryJson(entry));
      },
    }),
    controlCall('admin', '/monitoring/invalidations', {
      GET(ask) {
        const limit = countIn(queryFields(ask, ['limit']), 'limit', 100, 1_000);
        return Response.json({ invalidations: audit.latest(limit) });
      },
    }),
  ];
}

/** An entry as calls show it. */
export function entryJson({ key, tags, size, ...times }: Listed): Readonly<Record<string, unknown>> {
  const [, namespace = '', label = ''] = key.shown.split('/').map(decodeURIComponent);
  return {
    key: key.shown,
    type: key.type,
    namespace,
    model: label,
    born: iso(times.born),
    fresh_until: iso(times.freshUntil),
    stale_until: iso(times.staleUntil),
    keep_until: iso(times.keepUntil),
    tags: tags.map(([tag]) => tag),
    size_bytes: size,
  };
}

const ENTRIES = '/monitoring/cache/entries';

/** A shown key in a path: as `x-cache-key` has it, or percent-encoded as a whole, which leaves no slash in it. */
function keyIn(tail: string): string {
  if (tail.includes('/')) return tail;
  try {
    return decodeURIComponent(tail);
  } catch {
    throw mistake('key', tail, 'a key as x-cache-key shows it, as it is or percent-encoded in UTF-8');
  }
}

/** The last moment that has a date (ECMA-262, section 21.4.1.1): a caller's `x-cache-ttl` may reach beyond it. */
const LAST_MS = 8.64e15;

function iso(ms: number): string {
  return new Date(Math.min(ms, LAST_MS)).toISOString();
}
