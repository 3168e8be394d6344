/** A kind of thing in a text that mostly says when it was written or for whom, and not what is asked. */
export type Noise = 'timestamp' | 'date' | 'uuid' | 'identifier';

/** A text without its noise. */
export interface Quiet {
  /** With the name of its kind where something was. */
  readonly text: string;
  /** What was there, by kind, in order and one after the other. */
  readonly noise: ReadonlyMap<Noise, string>;
}

/**
 * Takes out of a text what is likely noise: moments (a date with a time, a time with seconds, seconds or milliseconds of the epoch
 * around `now`), dates around `now`, UUIDs, and long words of letters and digits. Other dates and numbers may be what is asked about
 * and stay. Linear in the text's length. `now` is in milliseconds since the epoch.
 */
export function withoutNoise(text: string, now: number): Quiet {
  const noise = new Map<Noise, string>();
  const take = (kind: Noise, found: string) => {
    noise.set(kind, `${noise.get(kind) ?? ''}${found}\n`);
    return `<${kind}>`;
  };
  const quiet = text.replace(NOISE, (found: string, ...rest: unknown[]) => {
    const groups = rest.at(-1) as Readonly<Record<keyof typeof PATTERNS, string | undefined>>;
    if (groups.moment !== undefined) return take('timestamp', found);
    if (groups.uuid !== undefined) return take('uuid', found);
    if (groups.epoch !== undefined) {
      return isAround(Number(found) * (found.length < 13 || found[10] === '.' ? 1_000 : 1), now)
        ? take('timestamp', found)
        : found;
    }
    if (groups.date !== undefined) {
      const day = Date.parse(found.replace(/(?<=\d)(?:st|nd|rd|th)/, ''));
      return isAround(day, now) ? take('date', found) : found;
    }
    return isMixed(found) ? take('identifier', found) : found;
  });
  return { text: quiet, noise };
}

const DAY = '(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6},? )?';
const MONTH = '(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}\\.?';
const DATE = `(?:\\d{4}[-/.]\\d{1,2}[-/.]\\d{1,2}|\\d{1,2}[-/.]\\d{1,2}[-/.]\\d{4}|${DAY}${MONTH} \\d{1,2}(?:st|nd|rd|th)?,? \\d{4}|${DAY}\\d{1,2} ${MONTH},? \\d{4})`;
const SECONDS = ':\\d{2}(?:[.,]\\d{1,9})?';
const HALF = '(?:[ \\u202f]?[AaPp]\\.?[Mm]\\b\\.?)?';
const ZONE = '(?: ?(?:Z|UTC|GMT)(?:[+-]\\d{2}:?\\d{2})?| ?[+-]\\d{2}:?\\d{2})?';

// Every repetition is bounded, so that the time for a text is.
const PATTERNS = {
  moment: `${DATE}(?:T|,? (?:at )?)\\d{1,2}:\\d{2}(?:${SECONDS})?${HALF}${ZONE}|\\d{1,2}:\\d{2}${SECONDS}${HALF}${ZONE}`,
  uuid: '[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}',
  date: DATE,
  epoch: '[12]\\d{9}(?:\\d{3}|\\.\\d{1,9})?(?![\\d.])',
  word: '\\w{16,64}',
} as const;

const NOISE = new RegExp(
  `\\b(?:${Object.entries(PATTERNS)
    .map(([name, pattern]) => `(?<${name}>${pattern})`)
    .join('|')})(?!\\w)`,
  'g',
);

/** Room for time zones and for what was put together a while before. */
const AROUND_MS = 2 * 86_400_000;

function isAround(moment: number, now: number): boolean {
  return Math.abs(moment - now) < AROUND_MS;
}

/** Whether letters and digits are mixed as in no word that people write. */
function isMixed(word: string): boolean {
  const digits = word.replace(/\D/g, '').length;
  return digits >= 4 && word.length - digits >= 4 && /\d[A-Za-z]/.test(word);
}
