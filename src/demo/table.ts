import { figuresOf, type Reached } from './figures.ts';
import { count, dollars, duration, millis, percent } from './numbers.ts';
import type { Paint } from './style.ts';
import { type Row, type Sums, totalOf } from './tally.ts';

/** All that is to be shown of a moment. */
export interface Snapshot {
  /** Questions answered, of how many. */
  readonly done: number;
  readonly questions: number;
  readonly elapsedMs: number;
  readonly rows: readonly Row[];
  readonly reached: Reached;
}

/** The live table: progress, then a row for each kind of call, in lines of at most 80 columns. */
export function tableLines({ done, questions, elapsedMs, rows, reached }: Snapshot, paint: Paint): string[] {
  const filled = Math.round((done / questions) * BAR_WIDTH);
  const bar = paint('cyan', '█'.repeat(filled)) + paint('dim', '░'.repeat(BAR_WIDTH - filled));
  const reachedInAll = Object.values(reached).reduce((sum, calls) => sum + calls, 0);
  return [
    ` ${bar}${`${count(done)} / ${count(questions)} questions`.padStart(26)}${duration(elapsedMs).padStart(9)}`,
    '',
    paint('dim', cells(COLUMNS.map(({ group }) => group))),
    paint('dim', cells(COLUMNS.map(({ title }) => title))),
    ...rows.map((row) => cells(valuesOf(row.kind, row, reached[row.kind]))),
    paint('bold', cells(valuesOf('all', totalOf(rows), reachedInAll))),
  ];
}

/** A moment in one line, for what is no terminal. */
export function progressLine({ done, elapsedMs, rows, reached }: Snapshot): string {
  const [hitRate, llmCalls, productQueries] = figuresOf(rows, reached);
  return [
    `${duration(elapsedMs).padStart(7)}  ${count(done).padStart(5)} questions`,
    `hits ${percent(hitRate.value)}`,
    `LLM saved ${percent(llmCalls.value)}`,
    `shop saved ${percent(productQueries.value)}`,
  ].join('  ');
}

const BAR_WIDTH = 43;

const COLUMNS = [
  { width: -11, group: '', title: ' calls' },
  { width: 7, group: '', title: 'made' },
  { width: 7, group: '', title: 'hits' },
  { width: 7, group: '', title: 'joined' },
  { width: 7, group: '', title: 'misses' },
  { width: 6, group: '', title: 'p50' },
  { width: 6, group: 'hit ms', title: 'p95' },
  { width: 6, group: '', title: 'p50' },
  { width: 7, group: 'miss ms', title: 'p95' },
  { width: 7, group: 'calls', title: 'saved' },
  { width: 9, group: 'money', title: 'saved' },
] as const;

/** The cells of a row, in the order of {@link COLUMNS}; `reached` is how many of its calls the stand-ins have counted. */
function valuesOf(name: string, row: Sums, reached: number): readonly string[] {
  return [
    ` ${name}`,
    count(row.calls),
    count(row.hits),
    count(row.joined),
    count(row.misses),
    millis(row.hitMs.p50),
    millis(row.hitMs.p95),
    millis(row.missMs.p50),
    millis(row.missMs.p95),
    // A call reaches the stand-ins before its answer reaches the customer.
    count(Math.max(0, row.calls - reached)),
    row.worthUsd === 0 ? '–' : dollars(row.savedUsd),
  ];
}

function cells(values: readonly string[]): string {
  return COLUMNS.map(({ width }, at) => {
    const value = values[at] ?? '';
    return width < 0 ? value.padEnd(-width) : value.padStart(width);
  }).join('');
}
