import type { Problem } from '../config/problems.ts';
import type { Environment } from '../config/secrets.ts';
import { type CommandLine, type Switch, tableOf, type ValuedFlag } from './command-line.ts';
import type { CommandIo } from './config.ts';
import { type RunningServer, URL_FLAG } from './running-server.ts';
import { runServerCommand } from './server-command.ts';

/**
 * `reprise invalidate`: drops entries from the cache of a running server, and prints which. Gives the exit status: 0; 1 where
 * the server cannot be reached, refuses, or fails; 2 for mistakes in what was asked, none of which drops anything.
 */
export function invalidate(argv: readonly string[], env: Environment, io: Output): Promise<number> {
  const run = (server: RunningServer, line: CommandLine) => drop(server, line, io);
  const command = { help: HELP, valued: VALUED, switches: SWITCHES, check: checkAny, run };
  return runServerCommand(command, argv, env, io);
}

/** The lines that explain the flags of `reprise invalidate`. */
export function invalidateFlags(): string[] {
  return tableOf(VALUED, SWITCHES);
}

type Output = Pick<CommandIo, 'out' | 'err'>;

async function drop(server: RunningServer, line: CommandLine, io: Output): Promise<number> {
  const reply = await server.call('/cache/invalidate', bodyOf(line));
  if (reply.kind === 'failed') {
    io.err(`${reply.message}\n`);
    return reply.status;
  }
  if (line.switches.has('json')) io.out(`${JSON.stringify(reply.value)}\n`);
  else if (isAnswer(reply.value)) io.out(told(reply.value, line));
  else {
    io.err('The server has another version: its answer cannot be read. --json shows it as it is.\n');
    return 1;
  }
  return 0;
}

/** The flags that say which entries are meant, and what the call names them. */
const CONDITION: readonly (ValuedFlag & { readonly field: string })[] = [
  condition('tag', 'tags', 'TAG', 'entries with this tag'),
  condition('key', 'keys', 'KEY', 'the entry with this key, as x-cache-key shows it'),
  condition(
    'pattern',
    'pattern',
    'GLOB',
    'entries whose key is like this; * within a segment, ** across, {a,b}',
  ),
  condition('type', 'type', 'TYPE', 'entries of this type'),
  condition('namespace', 'namespace', 'NAME', 'entries of this namespace'),
  condition('model', 'model', 'NAME', 'entries of this model, or of the route of this name'),
];

function condition(flag: string, field: string, value: string, meaning: string) {
  return { flag, field, value, variables: [], meaning };
}

const VALUED: readonly ValuedFlag[] = [...CONDITION, URL_FLAG];

const SWITCHES: readonly Switch[] = [
  { flag: 'expire', meaning: 'serve them when the upstream fails, instead of never again' },
  { flag: 'dry-run', meaning: 'only say which they would be' },
  { flag: 'json', meaning: "print the server's answer as it is" },
  { flag: 'help', meaning: 'show this' },
];

const HELP: readonly string[] = [
  'Usage: reprise invalidate FLAGS',
  '',
  'Drops entries from the cache of a running server. Those that fit all kinds of conditions given; of one kind, which may be',
  'given repeatedly, any. The admin token is taken from REPRISE_ADMIN_TOKEN.',
  '',
];

function checkAny({ values, problems }: CommandLine): readonly Problem[] {
  if (problems.length > 0 || CONDITION.some(({ flag }) => values.has(flag))) return [];
  const expected = `at least one of ${CONDITION.map(({ flag }) => `--${flag}`).join(', ')}`;
  return [{ where: 'the command line', path: '', got: 'no condition', expected }];
}

function bodyOf({ values, switches }: CommandLine): object {
  const conditions = CONDITION.flatMap(({ flag, field }) => {
    const given = values.get(flag);
    return given === undefined ? [] : [[field, given]];
  });
  return {
    ...Object.fromEntries(conditions),
    mode: switches.has('expire') ? 'expire' : 'purge',
    dry_run: switches.has('dry-run'),
  };
}

/** What of the server's answer is told. */
interface Answer {
  readonly id: string;
  readonly matched: number;
  readonly invalidated: number;
  readonly at_least?: boolean;
  readonly sample: readonly string[];
}

function isAnswer(value: unknown): value is Answer {
  if (typeof value !== 'object' || value === null) return false;
  if (!('id' in value && 'matched' in value && 'invalidated' in value)) return false;
  return 'sample' in value && Array.isArray(value.sample);
}

function told(answer: Answer, { switches }: CommandLine): string {
  const { id, matched, invalidated, at_least: atLeast, sample } = answer;
  const verb = switches.has('expire') ? 'expire' : 'purge';
  const number = `${atLeast ? 'at least ' : ''}${matched.toLocaleString('en')}`;
  const entries = `${number} ${matched === 1 ? 'entry' : 'entries'}`;
  const more = matched - sample.length;
  const done = invalidated === matched ? '' : `, ${invalidated.toLocaleString('en')} of them anew`;
  return [
    switches.has('dry-run') ? `would ${verb} ${entries}` : `${verb}d ${entries}${done} (${id})`,
    ...sample.map((key) => `  ${key}`),
    ...(more > 0 ? [`  and ${more.toLocaleString('en')} more`] : []),
    '',
  ].join('\n');
}
