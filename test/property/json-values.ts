/** A JSON value in which integers of any size and the order of names are kept. */
export type Value = null | boolean | number | bigint | string | Value[] | Tree;

/** An object, whose names have no order that means anything. */
export type Tree = Map<string, Value>;

/** A JSON Schema, or an object in one: the order of its names is content. */
export class Schema extends Map<string, Value> {}

/** Gives a number from 0 to below `limit`. */
export type Pick = (limit: number) => number;

/** Numbers that follow from a seed (xorshift, 32 bits). */
export function pickFrom(seed: number): Pick {
  let state = seed | 1;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

/** One of the many JSON texts of a value. */
export function spell(value: Value, pick: Pick): string {
  const space = () => ['', '', '', ' ', '\n', '\t \r\n'][pick(6)] ?? '';
  if (typeof value === 'string') return spellString(value, pick);
  if (typeof value === 'number' || typeof value === 'bigint') return spellNumber(String(value), pick);
  if (value === null || typeof value === 'boolean') return String(value);
  if (Array.isArray(value))
    return `[${space()}${value.map((item) => spell(item, pick) + space()).join(`,${space()}`)}]`;
  const names = [...value.keys()];
  const inOrder = value instanceof Schema ? names : shuffled(names, pick);
  const members = inOrder.map((name) => {
    const text = spell(value.get(name) ?? null, pick);
    return `${spellString(name, pick)}${space()}:${space()}${text}${space()}`;
  });
  return `{${space()}${members.join(`,${space()}`)}}`;
}

/** The list in another order. */
export function shuffled<T>(list: readonly T[], pick: Pick): T[] {
  return list
    .map((item) => ({ item, at: pick(1 << 20) }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

const SHORT_ESCAPES = new Map([
  ['"', '\\"'],
  ['\\', '\\\\'],
  ['/', '\\/'],
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

function spellString(value: string, pick: Pick): string {
  let text = '';
  for (const character of value) {
    const long = character.split('').map((unit) => {
      const hex = unit.charCodeAt(0).toString(16).padStart(4, '0');
      return `\\u${pick(2) === 0 ? hex : hex.toUpperCase()}`;
    });
    const short = SHORT_ESCAPES.get(character);
    const mayStandRaw =
      character >= ' ' && character.isWellFormed() && character !== '"' && character !== '\\';
    if (short !== undefined && (pick(2) === 0 || mayStandRaw)) text += short;
    else text += mayStandRaw && pick(8) > 0 ? character : long.join('');
  }
  return `"${text}"`;
}

function spellNumber(decimal: string, pick: Pick): string {
  const [mantissa = '', exponent = '0'] = decimal.split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  if (pick(3) === 0) return decimal;
  // All digits as an integer, some zeros more, and the power of ten that makes up for both.
  const zeros = pick(4);
  const digits = `${whole}${fraction}${'0'.repeat(zeros)}`.replace(/^(-?)0+(?=\d)/, '$1');
  const power = Number(exponent) - fraction.length - zeros;
  if (power === 0 && pick(2) === 0) return `${digits}${['', '.0', '.000'][pick(3)] ?? ''}`;
  const sign = power >= 0 && pick(2) === 0 ? '+' : '';
  return `${digits}${pick(2) === 0 ? 'e' : 'E'}${sign}${power}`;
}
