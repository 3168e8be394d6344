import { RepriseError } from '../shared/errors.ts';
import { isHeaderText, parseTagHeader, TAG_EXPECTED } from '../shared/tag.ts';
import { parseDuration } from '../shared/units.ts';
import type { HeaderOf } from './access.ts';
import { cacheDirectives, readSeconds } from './cache-control.ts';
import { traceIdOf } from './trace.ts';

/** What a caller asks of the cache for one request. */
export interface Directives {
  /** Fetch anew; what comes may be stored (`no-cache`, and `max-age=0`). */
  readonly refresh: boolean;
  /** Neither read nor store. */
  readonly noStore: boolean;
  /** Never go upstream; 504 without an entry. */
  readonly onlyIfCached: boolean;
  /** Entries older than this many milliseconds are not wanted. */
  readonly maxAgeMs: number | undefined;
  /** Entries must stay fresh for this many milliseconds more. */
  readonly minFreshMs: number | undefined;
  /** Entries stale for up to this many milliseconds are welcome; Infinity for `max-stale` without a value. */
  readonly maxStaleMs: number | undefined;
  /** How many milliseconds after its freshness an entry may still answer for a failing upstream. */
  readonly staleIfErrorMs: number | undefined;
  /** The lifetime of what this call stores. */
  readonly ttlMs: number | undefined;
  /** Key space; empty for the default one. */
  readonly namespace: string;
  /** Which of several samples of one prompt; empty for the only one. */
  readonly variant: string;
  readonly identity: 'keep' | 'fresh';
  /** Tags for what this call is answered with; repeats may stand in it. */
  readonly tags: readonly string[];
}

/**
 * Reads `cache-control` (RFC 9111 §5.2.1, RFC 5861 §4) and the `x-cache-*` request headers but that of {@link readTrace}.
 * Unknown directives are ignored (RFC 9111 §5.2.3). Throws `invalid_request` for a header of ours that cannot be read.
 */
export function readDirectives(header: HeaderOf): Directives {
  const asked = readCacheControl(header('cache-control'));
  const maxAgeMs = asked.get('max-age');
  return {
    refresh: asked.has('no-cache') || maxAgeMs === 0,
    noStore: asked.has('no-store'),
    onlyIfCached: asked.has('only-if-cached'),
    maxAgeMs,
    minFreshMs: asked.get('min-fresh'),
    maxStaleMs: asked.get('max-stale'),
    staleIfErrorMs: asked.get('stale-if-error'),
    ttlMs: readTtl(header('x-cache-ttl')),
    namespace: readNamespace(header('x-cache-namespace')),
    variant: readName('x-cache-variant', header('x-cache-variant')),
    identity: readIdentity(header('x-cache-identity')),
    tags: readTags(header('x-cache-tags')),
  };
}

/**
 * The trace that a request belongs to, of its caller's, as `x-cache-trace` or else `traceparent` says it; undefined if neither
 * does. Throws `invalid_request` for a header of ours that cannot be read.
 */
export function readTrace(header: HeaderOf): string | undefined {
  return readName('x-cache-trace', header('x-cache-trace')) || traceIdOf(header('traceparent'));
}

// A time that cannot be read counts as the strictest one, and so does the strictest of several: a caller that wanted to
// limit what it gets is never given more than it asked for.
const TIMED = new Map([
  ['max-age', 0],
  ['min-fresh', Number.POSITIVE_INFINITY],
  ['max-stale', 0],
  ['stale-if-error', 0],
]);

function readCacheControl(value = ''): ReadonlyMap<string, number> {
  const asked = new Map<string, number>();
  for (const [name, argument] of cacheDirectives(value)) {
    const strictest = TIMED.get(name);
    if (strictest === undefined) {
      asked.set(name, 0);
      continue;
    }
    // `max-stale` alone means any staleness (RFC 9111 §5.2.1.2).
    const anyAge = name === 'max-stale' && argument === undefined;
    const time = anyAge ? Number.POSITIVE_INFINITY : (readSeconds(argument) ?? strictest);
    const before = asked.get(name) ?? time;
    asked.set(name, strictest === 0 ? Math.min(before, time) : Math.max(before, time));
  }
  return asked;
}

function readTtl(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const ttlMs = parseDuration(value.trim());
  if (ttlMs === undefined) {
    throw mistake('x-cache-ttl', `is "${value.slice(0, 40)}": expected a duration such as 90s, 10m or 24h.`);
  }
  return ttlMs;
}

function readName(name: string, value: string | undefined): string {
  if (value === undefined) return '';
  const trimmed = value.trim();
  if (trimmed.length > 256) throw mistake(name, `has ${trimmed.length} characters: expected at most 256.`);
  return trimmed;
}

/** Only ASCII: nobody says which text another name is (RFC 9110 §5.5), and an invalidation of that text would miss it. */
function readNamespace(value: string | undefined): string {
  const name = readName('x-cache-namespace', value);
  if (isHeaderText(name)) return name;
  throw mistake('x-cache-namespace', `is "${name.slice(0, 40)}": expected a name in ASCII.`);
}

function readTags(value = ''): readonly string[] {
  const tags = parseTagHeader(value);
  if (tags === undefined) {
    throw mistake(
      'x-cache-tags',
      `is "${value.slice(0, 40)}": expected, between commas and in ASCII, each ${TAG_EXPECTED}.`,
    );
  }
  return tags;
}

function readIdentity(value: string | undefined): 'keep' | 'fresh' {
  const identity = value?.trim().toLowerCase() ?? 'keep';
  if (identity !== 'keep' && identity !== 'fresh')
    throw mistake('x-cache-identity', `is "${identity.slice(0, 40)}": expected keep or fresh.`);
  return identity;
}

function mistake(name: string, what: string): RepriseError {
  return new RepriseError('invalid_request', `${name} ${what}`, { param: name });
}
