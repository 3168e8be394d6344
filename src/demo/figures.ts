import type { Kind } from './call.ts';
import { count } from './numbers.ts';
import { type Row, totalOf } from './tally.ts';

/** How many calls of each kind really reached the stand-ins, by their own count. */
export type Reached = Readonly<Record<Kind, number>>;

/** One of the promises of such a cache, and what came of it. */
export interface Figure {
  readonly name: string;
  readonly unit: '%' | 'ms';
  /** To be reached (`%`) or stayed below (`ms`). */
  readonly target: number;
  /** NaN where nothing could be measured. */
  readonly value: number;
  readonly reached: boolean;
  /** What the value comes from, in words. */
  readonly basis: string;
}

/** The four promises: the first and the last from the proxy's headers, the other two from what reached the stand-ins. */
export function figuresOf(rows: readonly Row[], reached: Reached): readonly [Figure, Figure, Figure, Figure] {
  const all = totalOf(rows);
  const chat = rows.find((row) => row.kind === 'chat');
  const chats = chat?.calls ?? 0;
  const shopCalls = rows
    .filter((row) => row.kind === 'search' || row.kind === 'products')
    .reduce((sum, row) => sum + row.calls, 0);
  const reachedShop = reached.search + reached.products;
  const hitMs = chat?.hitMs.p95 ?? Number.NaN;
  const factor = (chat?.missMs.p50 ?? Number.NaN) / (chat?.hitMs.p50 ?? Number.NaN);
  return [
    atLeast('hit rate', 80, all.hits / all.calls, `${count(all.hits)} of ${count(all.calls)} calls`),
    atLeast(
      'fewer LLM calls',
      70,
      spared(reached.chat, chats),
      `${count(reached.chat)} instead of ${count(chats)}`,
    ),
    atLeast(
      'fewer product queries',
      90,
      spared(reachedShop, shopCalls),
      `${count(reachedShop)} instead of ${count(shopCalls)}`,
    ),
    {
      name: 'answer time of a hit',
      unit: 'ms',
      target: 100,
      value: hitMs,
      reached: hitMs < 100,
      basis: Number.isNaN(factor) ? 'no LLM hit yet' : `p95; ${count(factor)} × faster than a miss`,
    },
  ];
}

/**
 * The kinds for which the headers and the stand-ins tell different stories: every miss must have reached a stand-in, and
 * nothing else. A cache that called more often than it says would cheat.
 */
export function disagreements(rows: readonly Row[], reached: Reached): readonly string[] {
  return rows.flatMap(({ kind, misses }) =>
    misses === reached[kind]
      ? []
      : [`${kind}: ${count(misses)} misses by x-cache, ${count(reached[kind])} calls arrived`],
  );
}

function atLeast(name: string, target: number, share: number, basis: string): Figure {
  const value = share * 100;
  return { name, unit: '%', target, value, reached: value >= target, basis };
}

/** The share of `made` calls that did not reach the stand-ins; while some are under way, never less than none. */
function spared(reached: number, made: number): number {
  return made === 0 ? Number.NaN : Math.max(0, 1 - reached / made);
}
