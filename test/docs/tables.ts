import { readFileSync } from 'node:fs';

/** The README, as it is read. */
export const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

/** A table's row, cell by cell. */
export type Row = readonly string[];

/** The rows of all the README's tables that have this head, in order. */
export function tablesWith(...head: readonly string[]): readonly Row[] {
  const rows: Row[] = [];
  let inside = false;
  for (const line of README.split('\n')) {
    const cells = cellsOf(line);
    if (cells === undefined) inside = false;
    else if (inside && !cells.every((cell) => /^:?-+:?$/.test(cell))) rows.push(cells);
    else if (!inside) inside = cells.length === head.length && cells.every((cell, at) => cell === head[at]);
  }
  return rows;
}

/** The words of a cell that stand in backticks. */
export function codeIn(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].flatMap(([, word]) => word ?? []);
}

/** Rows as they stand in a Markdown file, to be put into it where it differs. */
export function markdown(rows: readonly Row[]): string {
  return rows.map((row) => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`).join('\n');
}

function cellsOf(line: string): string[] | undefined {
  if (!/^\|.*\|\s*$/.test(line)) return undefined;
  return line
    .trim()
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll('\\|', '|'));
}
