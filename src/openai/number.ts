import type { Node } from './json.ts';

/**
 * One text for every JSON number of the same exact decimal value: `1`, `1.0` and `10e-1` give `1`, `-0` gives `0`, `1200`
 * gives `12e2`. No double is involved, so that integers beyond 2^53 stay apart. Takes any valid JSON number.
 */
export function canonicalNumber(raw: string): string {
  if (isWhole(raw)) return withoutZeros(raw);
  const [mantissa = '', exponent = '0'] = raw.toLowerCase().split('e');
  const negative = mantissa.startsWith('-');
  const [whole = '', fraction = ''] = (negative ? mantissa.slice(1) : mantissa).split('.');
  const digits = whole + fraction;
  let from = 0;
  while (digits.charCodeAt(from) === ZERO) from += 1;
  if (from === digits.length) return '0';
  let to = digits.length;
  while (digits.charCodeAt(to - 1) === ZERO) to -= 1;
  // A double counts such exponents exactly. Beyond, where no server tells numbers from zero or infinity, spellings are not
  // merged; `~` keeps them apart from all other numbers.
  if (Math.abs(Number(exponent)) > 1e15) return `~${raw}`;
  const power = Number(exponent) - fraction.length + (digits.length - to);
  return `${negative ? '-' : ''}${digits.slice(from, to)}${power === 0 ? '' : `e${power}`}`;
}

const ZERO = 0x30;
const NINE = 0x39;
const MINUS = 0x2d;

/** A whole number with its last zeros as an exponent. */
function withoutZeros(whole: string): string {
  let to = whole.length;
  while (whole.charCodeAt(to - 1) === ZERO) to -= 1;
  if (to === whole.length) return whole;
  // A number of nothing but zeros is one, or one behind a minus.
  return to === 0 || whole.charCodeAt(to - 1) === MINUS ? '0' : `${whole.slice(0, to)}e${whole.length - to}`;
}

/** Whether the number is written without fraction and exponent. */
function isWhole(raw: string): boolean {
  for (let at = raw.charCodeAt(0) === MINUS ? 1 : 0; at < raw.length; at += 1) {
    const code = raw.charCodeAt(at);
    if (code < ZERO || code > NINE) return false;
  }
  return true;
}

/** The value of a number node, as near as a double comes; undefined for any other. */
export function numberOf(node: Node | undefined): number | undefined {
  return node?.kind === 'number' ? Number(node.raw) : undefined;
}
