import { type ParseArgsOptionDescriptor, parseArgs } from 'node:util';
import { nearest } from '../config/nearest.ts';
import { type Flags, OVERRIDES } from '../config/overrides.ts';
import type { Problem } from '../config/problems.ts';
import { maskFor } from '../config/secrets.ts';

/** A flag without a value. */
export interface Switch {
  readonly flag: string;
  readonly meaning: string;
}

/** What a command line asks for. */
export type ParsedFlags =
  | {
      readonly kind: 'run';
      readonly flags: Flags;
      /** The command's own {@link Switch}es that were given. */
      readonly switches: ReadonlySet<string>;
    }
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | {
      readonly kind: 'refused';
      readonly problems: readonly Problem[];
      /** Those that could be read, whose own mistakes are to be told along. */
      readonly flags: Flags;
    };

/**
 * Reads the flags of a command that takes settings. `argv` is what follows the command's name, `own` are the command's
 * switches beside `--help` and `--version`. Of a flag given twice the last one counts, but for `--set`, which adds up.
 */
export function parseFlags(argv: readonly string[], own: readonly Switch[] = []): ParsedFlags {
  const switches = [...own, ...GENERAL];
  const options: [string, ParseArgsOptionDescriptor][] = [
    ...VALUED.map(({ flag }): [string, ParseArgsOptionDescriptor] => [flag, { type: 'string' }]),
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
  const values = new Map<string, string>();
  const given = new Set<string>();
  const sets: string[] = [];
  const problems: Problem[] = [];
  let previousRefused = false;
  for (const token of tokens) {
    const problem = token.kind === 'option-terminator' ? undefined : checkToken(token, switches);
    // What follows a refused flag was most likely meant as its value.
    if (problem !== undefined && !(token.kind === 'positional' && previousRefused)) problems.push(problem);
    previousRefused = problem !== undefined && token.kind === 'option';
    if (problem !== undefined || token.kind !== 'option') continue;
    if (token.value === undefined) given.add(token.name);
    else if (token.name === 'set') sets.push(token.value);
    else values.set(token.name, token.value);
  }
  if (given.has('help')) return { kind: 'help' };
  if (given.has('version')) return { kind: 'version' };
  const flags = { profile: values.get('profile'), values, sets };
  return problems.length > 0 ? { kind: 'refused', problems, flags } : { kind: 'run', flags, switches: given };
}

/** The help text's table of the flags that {@link parseFlags} knows, one line each. */
export function flagsHelp(own: readonly Switch[] = []): string[] {
  const rows = [
    ...VALUED.map(({ flag, value, variables, meaning }) => {
      const also = variables.length === 0 ? '' : ` (${variables.join(', else ')})`;
      return [`--${flag} ${value}`, meaning + also] as const;
    }),
    ...[...own, ...GENERAL].map(({ flag, meaning }) => [`--${flag}`, meaning] as const),
  ];
  const width = Math.max(...rows.map(([flag]) => flag.length));
  return rows.map(([flag, meaning]) => `  ${flag.padEnd(width)}  ${meaning}`);
}

const GENERAL: readonly Switch[] = [
  { flag: 'help', meaning: 'show this' },
  { flag: 'version', meaning: 'show the version' },
];

/** The flags that have a value. */
const VALUED = [
  {
    flag: 'profile',
    value: 'NAME or FILE',
    variables: ['REPRISE_PROFILE'],
    meaning: 'development (default), production, testing or the path of a YAML file',
  },
  ...OVERRIDES,
  {
    flag: 'set',
    value: 'PATH=VALUE',
    variables: [],
    meaning: 'any setting, such as types.llm_responses.ttl=2s; repeatable',
  },
];

type Token =
  | { readonly kind: 'positional'; readonly value: string }
  | {
      readonly kind: 'option';
      readonly name: string;
      readonly rawName: string;
      readonly value: string | undefined;
      readonly inlineValue: boolean | undefined;
    };

function checkToken(token: Token, switches: readonly Switch[]): Problem | undefined {
  if (token.kind === 'positional') {
    const got = JSON.stringify(maskFor({})([], token.value));
    return { where: 'the command line', path: '', got, expected: 'flags only' };
  }
  const { name, rawName, value } = token;
  const fault = (got: string, expected: string): Problem => ({ where: rawName, path: '', got, expected });
  if (switches.some(({ flag }) => flag === name)) {
    return value === undefined ? undefined : fault('a value', 'none');
  }
  const valued = VALUED.find(({ flag }) => flag === name);
  if (valued === undefined) {
    const known = [...VALUED, ...switches].map(({ flag }) => flag);
    return fault('an unknown flag', `a known one; the nearest is --${nearest(name, known)}`);
  }
  const isNextFlag = value?.startsWith('--') === true && token.inlineValue !== true;
  return value === undefined || isNextFlag ? fault('no value', valued.value) : undefined;
}
