import { explainProblems, type Problem } from '../config/problems.ts';
import type { Environment } from '../config/secrets.ts';
import { type CommandLine, readCommandLine, type Switch, tableOf, type ValuedFlag } from './command-line.ts';
import type { CommandIo } from './config.ts';
import { type RunningServer, runningServer } from './running-server.ts';

/** A command that talks to a running server. */
export interface ServerCommand {
  /** What stands above its flags in its help, a line each. */
  readonly help: readonly string[];
  readonly valued: readonly ValuedFlag[];
  /** Among them `help`. */
  readonly switches: readonly Switch[];
  /** What is wrong with a command line whose flags may all be right. */
  readonly check?: (line: CommandLine) => readonly Problem[];
  /** Does it. Gives the exit status. */
  readonly run: (server: RunningServer, line: CommandLine) => Promise<number>;
}

/** Runs a command, unless its help is asked for, or there are mistakes, which are all told. Gives the exit status: 2 for mistakes. */
export async function runServerCommand(
  { help, valued, switches, check, run }: ServerCommand,
  argv: readonly string[],
  env: Environment,
  io: Pick<CommandIo, 'out' | 'err'>,
): Promise<number> {
  const line = readCommandLine(argv, valued, switches);
  if (line.switches.has('help')) {
    io.out(`${[...help, ...tableOf(valued, switches)].join('\n')}\n`);
    return 0;
  }
  const server = runningServer(line, env);
  const problems = [...line.problems, ...('where' in server ? [server] : []), ...(check?.(line) ?? [])];
  if ('where' in server || problems.length > 0) {
    io.err(`${explainProblems(problems).join('\n')}\n`);
    return 2;
  }
  return run(server, line);
}
