import { type ParseArgsOptionDescriptor, parseArgs } from 'node:util';
import { nearest } from '../config/nearest.ts';
import type { Problem } from '../config/problems.ts';
import { maskFor } from '../config/secrets.ts';

/** A flag without a value. */
export interface Switch {
  readonly flag: string;
  readonly meaning: string;
}

/** A flag with a value. */
export interface ValuedFlag extends Switch {
  /** What stands for its value in a help text. */
  readonly value: string;
  /** The environment variables that say the same; of several the first one that is set counts. */
  readonly variables: readonly string[];
}

/** A command line, read as far as it can be. */
export interface CommandLine {
  /** The values of each flag that was given, in order. */
  readonly values: ReadonlyMap<string, readonly string[]>;
  readonly switches: ReadonlySet<string>;
  readonly problems: readonly Problem[];
}

/** Reads what follows a command's name. `-h` is `--help`. */
export function readCommandLine(
  argv: readonly string[],
  valued: readonly ValuedFlag[],
  switches: readonly Switch[],
): CommandLine {
  const options: [string, ParseArgsOptionDescriptor][] = [
    ...valued.map(({ flag }): [string, ParseArgsOptionDescriptor] => [flag, { type: 'string' }]),
    ...switches.map(({ flag }): [string, ParseArgsOptionDescriptor] => [flag, { type: 'boolean' }]),
    ['help', { type: 'boolean', short: 'h' }],
  ];
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(options),
    // Not strict: strict stops at the first mistake.
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const values = new Map<string, string[]>();
  const given = new Set<string>();
  const problems: Problem[] = [];
  let previousRefused = false;
  for (const token of tokens) {
    const problem = token.kind === 'option-terminator' ? undefined : checkToken(token, valued, switches);
    // What follows a refused flag was most likely meant as its value.
    if (problem !== undefined && !(token.kind === 'positional' && previousRefused)) problems.push(problem);
    previousRefused = problem !== undefined && token.kind === 'option';
    if (problem !== undefined || token.kind !== 'option') continue;
    if (token.value === undefined) given.add(token.name);
    else values.set(token.name, [...(values.get(token.name) ?? []), token.value]);
  }
  return { values, switches: given, problems };
}

/** The lines of a help text that explain these flags. */
export function tableOf(valued: readonly ValuedFlag[], switches: readonly Switch[]): string[] {
  const rows = [
    ...valued.map(({ flag, value, variables, meaning }) => {
      const also = variables.length === 0 ? '' : ` (${variables.join(', else ')})`;
      return [`--${flag} ${value}`, meaning + also] as const;
    }),
    ...switches.map(({ flag, meaning }) => [`--${flag}`, meaning] as const),
  ];
  const width = Math.max(...rows.map(([flag]) => flag.length));
  return rows.map(([flag, meaning]) => `  ${flag.padEnd(width)}  ${meaning}`);
}

type Token =
  | { readonly kind: 'positional'; readonly value: string }
  | {
      readonly kind: 'option';
      readonly name: string;
      readonly rawName: string;
      readonly value: string | undefined;
      readonly inlineValue: boolean | undefined;
    };

function checkToken(
  token: Token,
  valued: readonly ValuedFlag[],
  switches: readonly Switch[],
): Problem | undefined {
  if (token.kind === 'positional') {
    const got = JSON.stringify(maskFor({})([], token.value));
    return { where: 'the command line', path: '', got, expected: 'flags only' };
  }
  const { name, rawName, value } = token;
  const fault = (got: string, expected: string): Problem => ({ where: rawName, path: '', got, expected });
  if (switches.some(({ flag }) => flag === name)) {
    return value === undefined ? undefined : fault('a value', 'none');
  }
  const flag = valued.find((known) => known.flag === name);
  if (flag === undefined) {
    const known = [...valued, ...switches].map((one) => one.flag);
    return fault('an unknown flag', `a known one; the nearest is --${nearest(name, known)}`);
  }
  const isNextFlag = value?.startsWith('--') === true && token.inlineValue !== true;
  return value === undefined || isNextFlag ? fault('no value', flag.value) : undefined;
}
