/** What is shown where there is no figure. */
export const NOTHING = '–';

const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 });
const share = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 1 });
const dollars = new Intl.NumberFormat(undefined, { style: 'currency', currency: 'USD' });
const cents = new Intl.NumberFormat(undefined, {
  style: 'currency',
  currency: 'USD',
  maximumFractionDigits: 4,
});
const digits = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 3 });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto', style: 'short' });

/** @param {number | undefined} value */
export const count = (value) =>
  value === undefined ? NOTHING : value >= 1_000_000 ? compact.format(value) : whole.format(value);

/** A share of 1 as a percentage. @param {number | undefined} value */
export const percent = (value) => (value === undefined ? NOTHING : share.format(value));

/** @param {number | undefined} value */
export const usd = (value) =>
  value === undefined ? NOTHING : (value !== 0 && Math.abs(value) < 1 ? cents : dollars).format(value);

/** Events per second. @param {number | null | undefined} value */
export const perSecond = (value) =>
  value === undefined || value === null ? NOTHING : `${digits.format(value)}/s`;

/** Bytes; MB is 10⁶. @param {number | undefined} value */
export function bytes(value) {
  if (value === undefined) return NOTHING;
  const [unit, size] = stepOf(value, BYTES);
  return `${digits.format(value / size)} ${unit}`;
}

/** Milliseconds, in the unit that suits them. @param {number | null | undefined} value */
export function duration(value) {
  if (value === undefined || value === null) return NOTHING;
  if (value === 0) return '0 ms';
  const [unit, size] = stepOf(value, TIMES);
  return `${digits.format(value / size)} ${unit}`;
}

/** Seconds as people say them: "1 d 2 h". @param {number | undefined} value */
export function span(value) {
  if (value === undefined) return NOTHING;
  if (value < 1) return `${digits.format(value)} s`;
  let rest = Math.round(value) * 1_000;
  const parts = [];
  for (const [unit, size] of TIMES) {
    const number = Math.floor(rest / size);
    if (number > 0) parts.push(`${whole.format(number)} ${unit}`);
    rest -= number * size;
    if (parts.length === 2 || size === 1_000) break;
  }
  return parts.join(' ');
}

/** The time of day of an ISO 8601 time, or of milliseconds since 1970. @param {string | number | undefined} value */
export function timeOfDay(value) {
  const time = new Date(value ?? Number.NaN);
  return Number.isNaN(time.getTime()) ? NOTHING : clock.format(time);
}

/** Date and time. @param {string | undefined} value */
export function dateAndTime(value) {
  const time = new Date(value ?? Number.NaN);
  return Number.isNaN(time.getTime()) ? NOTHING : moment.format(time);
}

/** How far a time is from now: "in 4 min.", "2 hr. ago". @param {string | undefined} value @param {number} now */
export function fromNow(value, now = Date.now()) {
  const away = (value === undefined ? Number.NaN : Date.parse(value)) - now;
  if (Number.isNaN(away)) return NOTHING;
  const [unit, size] = SPANS.find(([, least]) => Math.abs(away) >= least) ?? ['second', 1_000];
  return relative.format(Math.round(away / size), unit);
}

/** @type {readonly (readonly [string, number])[]} */
const BYTES = [
  ['TB', 1e12],
  ['GB', 1e9],
  ['MB', 1e6],
  ['kB', 1e3],
  ['B', 1],
];

/** @type {readonly (readonly [string, number])[]} */
const TIMES = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
  ['ms', 1],
  ['µs', 0.001],
];

/** @type {readonly (readonly [Intl.RelativeTimeFormatUnit, number])[]} */
const SPANS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
];

/**
 * The largest unit that a value has at least one of.
 * @param {number} value
 * @param {readonly (readonly [string, number])[]} steps
 * @returns {readonly [string, number]}
 */
function stepOf(value, steps) {
  return steps.find(([, size]) => Math.abs(value) >= size) ?? steps.at(-1) ?? ['', 1];
}
