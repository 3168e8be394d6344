import { type Flags, OVERRIDES } from '../config/overrides.ts';
import type { Problem } from '../config/problems.ts';
import { readCommandLine, type Switch, tableOf, type ValuedFlag } from './command-line.ts';

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
  const { values: all, switches, problems } = readCommandLine(argv, VALUED, [...own, ...GENERAL]);
  if (switches.has('help')) return { kind: 'help' };
  if (switches.has('version')) return { kind: 'version' };
  const values = new Map([...all].map(([flag, given]) => [flag, given.at(-1) ?? '']));
  values.delete('set');
  const flags = { profile: values.get('profile'), values, sets: all.get('set') ?? [] };
  return problems.length > 0 ? { kind: 'refused', problems, flags } : { kind: 'run', flags, switches };
}

/** The help text's table of the flags that {@link parseFlags} knows, one line each. */
export function flagsHelp(own: readonly Switch[] = []): string[] {
  return tableOf(VALUED, [...own, ...GENERAL]);
}

const GENERAL: readonly Switch[] = [
  { flag: 'help', meaning: 'show this' },
  { flag: 'version', meaning: 'show the version' },
];

/** The flags that have a value. */
const VALUED: readonly ValuedFlag[] = [
  {
    flag: 'profile',
    value: 'NAME or FILE',
    variables: ['REPRISE_PROFILE'],
    meaning: 'development (default), production, testing, catalog or the path of a YAML file',
  },
  ...OVERRIDES,
  {
    flag: 'set',
    value: 'PATH=VALUE',
    variables: [],
    meaning: 'any setting, such as types.llm_responses.ttl=2s; repeatable',
  },
];
