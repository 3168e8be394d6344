import * as z from 'zod';
import {
  DURATION_EXPECTED,
  DURATION_PATTERN,
  formatDuration,
  formatRate,
  formatSize,
  parseDuration,
  parseRate,
  parseSize,
  RATE_EXPECTED,
  RATE_PATTERN,
  type Rate,
  SIZE_EXPECTED,
  SIZE_PATTERN,
} from '../shared/units.ts';

// The kinds of value a setting can have. Each one's error message is the words for what it expects and nothing else:
// `problems.ts` says where it stands and what was got instead.

/** A map with exactly the keys of `shape`. */
export function section<const Shape extends z.ZodRawShape>(shape: Shape) {
  return z
    .strictObject(shape, { error: (issue) => (issue.code === 'invalid_type' ? 'a map' : undefined) })
    .readonly();
}

/** Text that matches `pattern`; `expected` says in words what that is. */
export function text(expected: string, pattern: RegExp = /./) {
  return z.string({ error: expected }).regex(pattern, { error: expected });
}

/** A whole number from `least` to `most`, or its digits as text, which is what variables and flags give. */
export function whole(least: number, most = Number.MAX_SAFE_INTEGER) {
  const error = `a whole number ${most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`}`;
  const number = z.int({ error }).min(least, { error }).max(most, { error });
  const digits = z.string({ error }).regex(/^\d{1,16}$/, { error });
  return z.codec(z.union([number, digits], { error }), number, { decode: Number, encode: (value) => value });
}

/** A number of at least 0, or its text. */
export function amount() {
  const error = 'a number of at least 0';
  const number = z.number({ error }).min(0, { error });
  const digits = z.string({ error }).regex(/^\d{1,12}(?:\.\d{1,12})?$/, { error });
  return z.codec(z.union([number, digits], { error }), number, { decode: Number, encode: (value) => value });
}

/** `true` or `false`, also as text, which is what variables and flags give. */
export function toggle() {
  const error = 'true or false';
  return z.codec(
    z.union([z.boolean({ error }), z.enum(['true', 'false'], { error })], { error }),
    z.boolean(),
    {
      decode: (given) => given === true || given === 'true',
      encode: (value) => value,
    },
  );
}

/** One of `names`. */
export function choice<const Names extends readonly [string, ...string[]]>(names: Names) {
  return z.enum(names, { error: oneOf(names) });
}

/** A list of `item`; `expected` says in words what the whole is. */
export function list<Item extends z.ZodType>(item: Item, expected: string) {
  return z.array(item, { error: expected }).readonly();
}

/** A time span, as text in the profile and as milliseconds in the settings. */
export function duration(least: 'zero' | 'positive' = 'zero') {
  return measure(DURATION_EXPECTED, DURATION_PATTERN, least, parseDuration, formatDuration);
}

/** An amount of bytes, as text in the profile and as a number in the settings. */
export function size(least: 'zero' | 'positive' = 'zero') {
  return measure(SIZE_EXPECTED, SIZE_PATTERN, least, parseSize, formatSize);
}

/** A number of calls in a unit of time, as text in the profile and as a {@link Rate} in the settings. */
export function rate() {
  return z.codec(
    text(RATE_EXPECTED, RATE_PATTERN),
    z.custom<Rate>((it) => typeof it === 'object'),
    {
      decode(given, context) {
        const value = parseRate(given);
        if (value !== undefined) return value;
        context.issues.push({ code: 'custom', message: RATE_EXPECTED, input: given });
        return z.NEVER;
      },
      encode: formatRate,
    },
  );
}

/** A map whose keys are the user's own names, as a `Map` in the order of the profile; `builtIn` names always exist. */
export function named<Value>(builtIn: Readonly<Record<string, z.ZodType<Value>>>, value: z.ZodType<Value>) {
  const always = Object.entries(builtIn).map(([name, schema]) => [name, schema.prefault({})] as const);
  return z
    .codec(
      z.object(Object.fromEntries(always), { error: 'a map' }).catchall(value),
      z.custom<ReadonlyMap<string, Value>>((it) => it instanceof Map),
      { decode: (record) => new Map(Object.entries(record)), encode: (values) => Object.fromEntries(values) },
    )
    .prefault({});
}

function measure(
  unit: string,
  pattern: RegExp,
  least: 'zero' | 'positive',
  parse: (text: string) => number | undefined,
  format: (value: number) => string,
) {
  const error = least === 'zero' ? unit : `${unit}, above zero`;
  const written = z.union([z.string({ error }).regex(pattern, { error }), z.literal(0, { error })], {
    error,
  });
  return z.codec(written, z.number(), {
    decode(given, context) {
      const value = parse(String(given));
      if (value !== undefined && (value > 0 || least === 'zero')) return value;
      context.issues.push({ code: 'custom', message: error, input: given });
      return z.NEVER;
    },
    encode: format,
  });
}

/** `a, b or c`. */
export function oneOf(names: readonly string[]): string {
  const rest = names.slice(0, -1).join(', ');
  return rest === '' ? names.join() : `${rest} or ${names.at(-1)}`;
}
