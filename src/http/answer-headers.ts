import type { Header } from '../upstream/headers.ts';
import { type Report, reportHeaders } from './report.ts';

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
  const said = reportHeaders(report);
  if (uncacheableDownstream) said.push(['cache-control', 'private, no-cache']);
  const shown = upstream.length === 0 ? upstream : besides(upstream, [...own, ...said], report);
  const headers: string[] = [];
  let isNamed = false;
  // Written out, for every hit comes through here: with spreads, maps and sets it cost four times as much (measured).
  for (const some of [shown, own, said]) {
    for (const [name, value] of some) {
      headers.push(name, value);
      if (name === 'x-request-id') isNamed = true;
    }
  }
  if (!isNamed) headers.push('x-request-id', requestId);
  return headers;
}

/** Those of the upstream's headers that stand beside what is `said` here. */
function besides(upstream: readonly Header[], said: readonly Header[], { outcome }: Report): Header[] {
  const taken = new Set(['content-length', ...said.map(([name]) => name)]);
  // The upstream's names one upstream call and is told where the answer is that call's alone.
  if (outcome !== 'MISS' && outcome !== 'BYPASS') taken.add('x-request-id');
  // RFC 9211 §2: each cache adds its member, the one nearest the origin stands first.
  taken.delete('cache-status');
  return upstream.filter(([name]) => !taken.has(name) && !isCacheWord(name));
}

/** What a cache of the upstream's (a CDN, another Reprise) says in the same words as ours. */
function isCacheWord(name: string): boolean {
  return name === 'x-cache' || name.startsWith('x-cache-');
}
