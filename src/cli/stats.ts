import type { Environment } from '../config/secrets.ts';
import { type CommandLine, type Switch, tableOf, type ValuedFlag } from './command-line.ts';
import type { CommandIo } from './config.ts';
import { type RunningServer, URL_FLAG } from './running-server.ts';
import { runServerCommand } from './server-command.ts';
import { statsText } from './stats-text.ts';

/**
 * `reprise stats`: prints how the cache of a running server does. Gives the exit status: 0; 1 where the server cannot be reached or
 * refuses; 2 for mistakes in the flags.
 */
export function stats(argv: readonly string[], env: Environment, io: Output): Promise<number> {
  const run = (server: RunningServer, line: CommandLine) => show(server, line, io);
  return runServerCommand({ help: HELP, valued: VALUED, switches: SWITCHES, run }, argv, env, io);
}

/** The lines that explain the flags of `reprise stats`. */
export function statsFlags(): string[] {
  return tableOf(VALUED, SWITCHES);
}

type Output = Pick<CommandIo, 'out' | 'err'>;

async function show(server: RunningServer, line: CommandLine, io: Output): Promise<number> {
  const answers: unknown[] = [];
  for (const path of PATHS) {
    const reply = await server.call(path);
    if (reply.kind === 'failed') {
      io.err(`${reply.message}\n`);
      return reply.status;
    }
    if (answers.length === 0 && !isFigures(reply.value)) {
      io.err(`What answers GET ${path} there is no control plane of Reprise.\n`);
      return 1;
    }
    answers.push(reply.value);
  }
  const [cache, levels, efficiency] = answers;
  const told = { cache, levels, efficiency };
  io.out(line.switches.has('json') ? `${JSON.stringify(told)}\n` : statsText(told));
  return 0;
}

/** Whether these are the figures of a cache, as far as can be told of any version. */
function isFigures(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'status' in value && 'requests' in value;
}

const PATHS = ['/monitoring/cache', '/monitoring/cache/levels', '/monitoring/cache/efficiency'];

const VALUED: readonly ValuedFlag[] = [URL_FLAG];

const SWITCHES: readonly Switch[] = [
  { flag: 'json', meaning: "print the server's answers as they are" },
  { flag: 'help', meaning: 'show this' },
];

const HELP: readonly string[] = [
  'Usage: reprise stats [FLAGS]',
  '',
  'Prints how the cache of a running server does, and what could be done about it. The admin token is taken from REPRISE_ADMIN_TOKEN.',
  '',
];
