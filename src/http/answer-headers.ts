import { type Report, reportHeaders } from './report.ts';

type Header = readonly [name: string, value: string];

/** What is said on an answer beside what its report says. */
export interface Envelope {
  /** Ours; used where the upstream's own is not this caller's to see. */
  readonly requestId: string;
  /** Whether nothing downstream may keep the answer. */
  readonly uncacheableDownstream: boolean;
}

/**
 * All headers of an answer of a cacheable endpoint but its length, flat: the upstream's, over them what `own` says of the
 * bytes, and ours.
 */
export function answerWith(
  upstream: readonly Header[],
  own: readonly Header[],
  report: Report,
  { requestId, uncacheableDownstream }: Envelope,
): string[] {
  const said = [...own, ...reportHeaders(report)];
  if (uncacheableDownstream) said.push(['cache-control', 'private, no-cache']);
  const taken = new Set(['content-length', ...said.map(([name]) => name)]);
  // The upstream's names one upstream call and is told where the answer is that call's alone.
  if (report.outcome !== 'MISS' && report.outcome !== 'BYPASS') taken.add('x-request-id');
  // RFC 9211 §2: each cache adds its member, the one nearest the origin stands first.
  taken.delete('cache-status');
  const headers = [...upstream.filter(([name]) => !taken.has(name) && !isCacheWord(name)), ...said];
  if (!headers.some(([name]) => name === 'x-request-id')) headers.push(['x-request-id', requestId]);
  return headers.flat();
}

/** What a cache of the upstream's (a CDN, another Reprise) says in the same words as ours. */
function isCacheWord(name: string): boolean {
  return name === 'x-cache' || name.startsWith('x-cache-');
}
