import type { Clock } from '../shared/clock.ts';
import { disagreements, figuresOf } from './figures.ts';
import type { PriceChange } from './price-change.ts';
import { introLines, outcomeLines } from './report.ts';
import type { RepriseOptions } from './reprise.ts';
import { type DemoOptions, runDemo } from './run.ts';
import { noScreen, type Output, screenFor } from './screen.ts';
import { paintFor } from './style.ts';
import type { Snapshot } from './table.ts';
import { type Sums, totalOf } from './tally.ts';

/** Where the demo shows itself, and what it works with. */
export interface Stage extends Pick<RepriseOptions, 'command' | 'env' | 'signal'> {
  readonly output: Output;
  readonly clock: Clock;
  /** One JSON object at the end instead of everything else. */
  readonly json: boolean;
}

/**
 * Runs the demo and shows it. Gives whether all four figures reach their targets, by counts that agree, and the prices that change
 * take with them what they should.
 */
export async function presentDemo(options: DemoOptions, { output, json, ...place }: Stage): Promise<boolean> {
  const paint = paintFor(output.isTTY === true, place.env.NO_COLOR);
  const say = (lines: readonly string[]): unknown => output.write(`${lines.join('\n')}\n`);
  if (!json) say(introLines(options, paint));
  const screen = json ? noScreen : screenFor(output, paint);
  try {
    const { last, changes } = await runDemo(options, { ...place, screen });
    screen.finish(last);
    const figures = figuresOf(last.rows, last.reached);
    const contradictions = disagreements(last.rows, last.reached);
    const reached =
      contradictions.length === 0 &&
      figures.every((figure) => figure.reached) &&
      changes.every(({ faults }) => faults.length === 0);
    if (json) {
      const told = { ...options, reached, contradictions, figures, ...toJson(last) };
      say([JSON.stringify({ ...told, price_changes: changes.map(changeToJson) })]);
    } else say(outcomeLines(last, contradictions, changes, paint));
    return reached;
  } finally {
    screen.close();
  }
}

/** As in the proxy's own answers: snake_case, units in the names. */
function toJson({ elapsedMs, rows }: Snapshot): object {
  return {
    elapsed_ms: Math.round(elapsedMs),
    all: sumsToJson(totalOf(rows)),
    calls: rows.map((row) => ({
      kind: row.kind,
      ...sumsToJson(row),
      hit_ms: row.hitMs,
      miss_ms: row.missMs,
    })),
  };
}

function sumsToJson({ calls, hits, joined, misses, savedUsd, savedMs }: Sums): object {
  return { calls, hits, joined, misses, saved_usd: savedUsd, saved_ms: Math.round(savedMs) };
}

function changeToJson({ before, after, ms, ...change }: PriceChange): object {
  return { ...change, before_eur: before, after_eur: after, answered_ms: Math.round(ms * 10) / 10 };
}
