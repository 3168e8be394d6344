import { stringify } from 'yaml';
import * as z from 'zod';
import { profileJsonSchema } from '../config/json-schema.ts';
import { explainProblems } from '../config/problems.ts';
import { type Settings, settingsSchema } from '../config/schema.ts';
import { type Environment, type Mask, maskFor } from '../config/secrets.ts';
import type { Path } from '../config/tree.ts';
import type { Switch } from './command-line.ts';
import { flagsHelp, parseFlags } from './flags.ts';
import { settingsFrom } from './settings.ts';

/** What a command writes to and where it runs. */
export interface CommandIo {
  /** Writes to standard output; the text brings its own line ends. */
  readonly out: (text: string) => void;
  /** Writes to standard error; the text brings its own line ends. */
  readonly err: (text: string) => void;
  /** The folder that relative paths start from. */
  readonly cwd: string;
  /** This program's version. */
  readonly version: string;
}

/**
 * `reprise config`: prints the effective settings as YAML that is itself a profile, secrets masked; with `--schema` the
 * JSON Schema of profiles. Gives the exit status: 0, or 2 for mistakes, one line each on standard error.
 */
export function config(argv: readonly string[], env: Environment, io: CommandIo): number {
  const parsed = parseFlags(argv, SWITCHES);
  switch (parsed.kind) {
    case 'help':
      io.out(
        lines([
          'Usage: reprise config [FLAGS]',
          '',
          'Prints the effective settings.',
          '',
          ...flagsHelp(SWITCHES),
        ]),
      );
      return 0;
    case 'version':
      io.out(lines([io.version]));
      return 0;
  }
  if (parsed.kind === 'run' && parsed.switches.has('schema')) {
    io.out(`${JSON.stringify(profileJsonSchema(), null, 2)}\n`);
    return 0;
  }
  const loaded = settingsFrom(parsed, env, io.cwd);
  if (loaded.kind === 'refused') {
    io.err(lines(explainProblems(loaded.problems)));
    return 2;
  }
  io.out(asProfile(loaded.settings, maskFor(env)));
  return 0;
}

const SWITCHES: readonly Switch[] = [
  { flag: 'schema', meaning: 'print the JSON Schema of profiles instead' },
];

function asProfile(settings: Settings, mask: Mask): string {
  return stringify(masked(z.encode(settingsSchema, settings), [], mask), { aliasDuplicateObjects: false });
}

function masked(value: unknown, path: Path, mask: Mask): unknown {
  if (typeof value === 'string') return mask(path, value).replaceAll('${', () => '$${');
  if (Array.isArray(value)) return value.map((item, index) => masked(item, [...path, index], mask));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(entries.map(([key, inner]) => [key, masked(inner, [...path, key], mask)]));
}

function lines(all: readonly string[]): string {
  return all.map((line) => `${line}\n`).join('');
}
