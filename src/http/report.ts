import type { Level } from '../cache/tier.ts';

/** How a request was answered, as the words of `x-cache`. */
export type Outcome = 'HIT' | 'MISS' | 'PARTIAL' | 'COALESCED' | 'STALE' | 'REFRESH' | 'BYPASS';

/** What one answer says of the cache: in its headers, in the log and in the figures. */
export interface Report {
  readonly outcome: Outcome;
  /** Why the cache was not asked, why nothing was there, or why what came was not stored. */
  readonly reason?: string | undefined;
  /** Of several parts the slowest. */
  readonly level?: Level | undefined;
  /** The shown key; one-part requests only. */
  readonly key?: string | undefined;
  /** Items answered from the cache, and all items, repeats counted each. Absent where the cache was not asked. */
  readonly parts?: { readonly hits: number; readonly total: number } | undefined;
  /** Milliseconds since the oldest entry used was born; absent where none was. */
  readonly ageMs?: number | undefined;
  /** Milliseconds for which the entry used stays fresh; negative when it is stale. Of several the least. */
  readonly ttlMs?: number | undefined;
  /** The upstream's status, where this request went upstream. */
  readonly fwdStatus?: number | undefined;
  /** Whether what was fetched has been stored; undefined where that is not known yet. */
  readonly stored?: boolean | undefined;
}

/** The headers that tell a client what the cache did: `x-cache*`, `age` (RFC 9111 §5.1) and `cache-status` (RFC 9211). */
export function reportHeaders(report: Report): (readonly [name: string, value: string])[] {
  const headers: (readonly [string, string])[] = [['x-cache', report.outcome]];
  if (report.level !== undefined) headers.push(['x-cache-level', report.level]);
  if (report.key !== undefined) headers.push(['x-cache-key', report.key]);
  if (report.reason !== undefined && report.outcome !== 'COALESCED' && report.outcome !== 'PARTIAL') {
    headers.push(['x-cache-reason', report.reason]);
  }
  if (report.parts !== undefined)
    headers.push(['x-cache-parts', `${report.parts.hits}/${report.parts.total}`]);
  const age = ageOf(report);
  if (age !== undefined) headers.push(['age', age]);
  headers.push(['cache-status', cacheStatusOf(report)]);
  return headers;
}

/** The value of `cache-status`. */
export function cacheStatusOf(report: Report): string {
  if (report.outcome === 'HIT' || report.outcome === 'STALE') {
    const ttl = report.ttlMs === undefined ? '' : `; ttl=${Math.floor(report.ttlMs / 1000)}`;
    return `reprise; hit${ttl}${report.level === undefined ? '' : `; detail=${report.level}`}`;
  }
  let member = `reprise; fwd=${FORWARD[report.outcome](report)}`;
  if (report.fwdStatus !== undefined) member += `; fwd-status=${report.fwdStatus}`;
  if (report.stored) member += '; stored';
  if (report.outcome === 'COALESCED') member += '; collapsed';
  if (report.outcome === 'PARTIAL') member += `; detail="${report.parts?.hits}/${report.parts?.total}"`;
  if (report.outcome === 'BYPASS' && report.reason !== undefined) member += `; detail="${report.reason}"`;
  return member;
}

// RFC 9211 §2.2: `stale` where an entry was there but too old, `request` where the caller asked to go forward.
const FORWARD: Record<Exclude<Outcome, 'HIT' | 'STALE'>, (report: Report) => string> = {
  MISS: ({ reason }) => (reason === 'expired' ? 'stale' : 'miss'),
  COALESCED: () => 'miss',
  PARTIAL: () => 'partial',
  REFRESH: () => 'request',
  BYPASS: () => 'bypass',
};

/** The value of `age`; undefined where no entry was used. */
export function ageOf({ ageMs }: Report): string | undefined {
  return ageMs === undefined ? undefined : String(Math.max(0, Math.floor(ageMs / 1000)));
}
