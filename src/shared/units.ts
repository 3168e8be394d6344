/** What {@link parseDuration} takes, in words for a message. */
export const DURATION_EXPECTED = 'a duration: a whole number and its unit (ms, s, m, h or d), such as 30s';

/** What {@link parseSize} takes, in words for a message. */
export const SIZE_EXPECTED = 'a size: a whole number and its unit (B, KB, MB, GB or TB), such as 200MB';

/** The text that {@link parseDuration} reads; a number too large to be exact in milliseconds is refused besides. */
export const DURATION_PATTERN = /^(0|(\d{1,16})(ms|s|m|h|d))$/;

/** The text that {@link parseSize} reads; a number too large to be exact in bytes is refused besides. */
export const SIZE_PATTERN = /^(0|(\d{1,16})(B|KB|MB|GB|TB))$/;

/** What {@link parseRate} takes, in words for a message. */
export const RATE_EXPECTED = 'a number of calls and a unit of time (s, m, h or d), such as 600/m';

/** The text that {@link parseRate} reads. */
export const RATE_PATTERN = /^([1-9]\d{0,8})\/(s|m|h|d)$/;

/** So many calls in so many milliseconds. */
export interface Rate {
  readonly calls: number;
  readonly perMs: number;
}

/** Milliseconds of `500ms`, `30s`, `10m`, `24h`, `7d` or a bare `0`; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  return parse(text, DURATION_PATTERN, MILLISECONDS);
}

/** Bytes of `512B`, `16KB`, `200MB`, `2GB`, `1TB` or a bare `0`, in powers of 1000; undefined for anything else. */
export function parseSize(text: string): number | undefined {
  return parse(text, SIZE_PATTERN, BYTES);
}

/** The rate of `10/s`, `600/m`, `5000/h` or `100000/d`; undefined for anything else. */
export function parseRate(text: string): Rate | undefined {
  const [, calls, unit = ''] = RATE_PATTERN.exec(text) ?? [];
  const perMs = MILLISECONDS.get(unit);
  return calls === undefined || perMs === undefined ? undefined : { calls: Number(calls), perMs };
}

/** The text that {@link parseRate} reads as this rate. */
export function formatRate({ calls, perMs }: Rate): string {
  return `${calls}/${format(perMs, MILLISECONDS, 's').slice(1)}`;
}

/** The shortest text that {@link parseDuration} reads as `ms` milliseconds (a whole number): 90000 gives `90s`. */
export function formatDuration(ms: number): string {
  return format(ms, MILLISECONDS, 's');
}

/** The shortest text that {@link parseSize} reads as `bytes` bytes (a whole number): 200000000 gives `200MB`. */
export function formatSize(bytes: number): string {
  return format(bytes, BYTES, 'B');
}

// Largest unit first: the first one that divides a value gives its shortest text.
const MILLISECONDS: ReadonlyMap<string, number> = new Map([
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
]);

const BYTES: ReadonlyMap<string, number> = new Map([
  ['TB', 1e12],
  ['GB', 1e9],
  ['MB', 1e6],
  ['KB', 1000],
  ['B', 1],
]);

function parse(text: string, pattern: RegExp, units: ReadonlyMap<string, number>): number | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const [, , count, unit] = match;
  if (count === undefined || unit === undefined) return 0;
  const value = Number(count) * (units.get(unit) ?? Number.NaN);
  return Number.isSafeInteger(value) ? value : undefined;
}

function format(value: number, units: ReadonlyMap<string, number>, zeroUnit: string): string {
  if (value === 0) return `0${zeroUnit}`;
  for (const [unit, factor] of units) {
    if (value % factor === 0) return `${value / factor}${unit}`;
  }
  throw new RangeError(`not a whole number: ${value}`);
}
