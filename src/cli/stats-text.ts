/** What `GET /monitoring/cache`, `…/levels` and `…/efficiency` answered. */
export interface Stats {
  readonly cache: unknown;
  readonly levels: unknown;
  readonly efficiency: unknown;
}

/** The same for people. What a server of another version does not say is shown as a dash. */
export function statsText({ cache, levels, efficiency }: Stats): string {
  const latency = (name: string) => {
    const row = at(cache, 'latency_ms', name);
    return [name, ...['p50', 'p95', 'p99', 'max'].map((figure) => count(at(row, figure)))];
  };
  const sections = [
    [
      `${text(at(cache, 'status'))}, profile ${text(at(cache, 'profile'))}, up ${duration(at(cache, 'uptime_s'))}, score ${count(at(efficiency, 'score'))}`,
    ],
    table([
      ['', 'requests', 'hit rate', 'hits', 'misses', 'partial', 'stale', 'joined', 'bypassed', 'entries'],
      row('all', { ...record(at(cache, 'requests')), hit_rate: at(cache, 'hit_rate') }),
      ...Object.entries(record(at(cache, 'types'))).map(([type, figures]) => row(type, record(figures))),
    ]),
    table([
      ['level', 'entries', 'full', 'hit rate', 'evictions', 'expired', 'promoted'],
      ...list(at(levels, 'levels')).map((level) => [
        text(at(level, 'level')),
        count(at(level, 'entries')),
        percent(at(level, 'utilization')),
        percent(at(level, 'hit_rate')),
        count(at(level, 'evictions')),
        count(at(level, 'expirations')),
        count(at(level, 'promotions')),
      ]),
    ]),
    table([['ms', 'p50', 'p95', 'p99', 'max'], ...['hit', 'miss', 'upstream'].map(latency)]),
    [
      `saved: ${count(at(cache, 'saved', 'requests'))} calls, ${count(at(cache, 'saved', 'prompt_tokens'))} + ${count(at(cache, 'saved', 'completion_tokens'))} tokens, ${money(at(cache, 'saved', 'usd'))}, ${duration(Number(at(cache, 'saved', 'upstream_ms')) / 1_000)} of waiting`,
    ],
    list(at(efficiency, 'alerts')).map(
      (alert) => `! ${text(at(alert, 'id'))}: ${text(at(alert, 'message'))}`,
    ),
    list(at(efficiency, 'findings')).map(
      (finding) => `* ${text(at(finding, 'id'))}: ${text(at(finding, 'recommendation'))}`,
    ),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function row(name: string, figures: Readonly<Record<string, unknown>>): string[] {
  const counts = ['hits', 'misses', 'partial', 'stale', 'coalesced', 'bypassed'].map((one) => figures[one]);
  const sum = counts.reduce<number>((all, one) => all + (typeof one === 'number' ? one : 0), 0);
  return [
    name,
    count(figures.total ?? sum),
    percent(figures.hit_rate),
    ...counts.map(count),
    figures.entries === undefined ? '' : count(figures.entries),
  ];
}

/** Rows as lines, the first cell of each to the left, the others to the right. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((cells) => cells[at]?.length ?? 0)));
  return rows.map((cells) =>
    cells
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

/** What stands at a path in a JSON value. */
function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((inner, name) => record(inner)[name], value);
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : DASH;
}

function count(value: unknown): string {
  return typeof value === 'number' ? value.toLocaleString('en', { maximumFractionDigits: 2 }) : DASH;
}

function percent(value: unknown): string {
  return typeof value === 'number' ? `${(value * 100).toFixed(1)} %` : DASH;
}

function money(value: unknown): string {
  return typeof value === 'number' ? `$${value.toFixed(value < 1 ? 4 : 2)}` : DASH;
}

function duration(seconds: unknown): string {
  if (typeof seconds !== 'number' || Number.isNaN(seconds)) return DASH;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}

const DASH = '–';
