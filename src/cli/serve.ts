import { FolderLocked } from '../cache/disk-folder.ts';
import { type Composed, compose } from '../compose.ts';
import { checkAdminToken } from '../config/admin-token.ts';
import { explainProblems } from '../config/problems.ts';
import type { Settings } from '../config/schema.ts';
import type { Environment } from '../config/secrets.ts';
import { Events } from '../observe/events.ts';
import { Log } from '../observe/log.ts';
import { systemClock } from '../shared/clock.ts';
import { messageOf } from '../shared/errors.ts';
import type { CommandIo } from './config.ts';
import { flagsHelp, parseFlags } from './flags.ts';
import { settingsFrom } from './settings.ts';

/** What `serve` needs of its process beside what every command gets. */
export interface ServeIo extends CommandIo {
  readonly pid: number;
  /** Whether standard error is a terminal: the log is then text for people. */
  readonly terminal: boolean;
  /** How many bytes of standard error wait for who reads it. */
  readonly unread: () => number;
  /** Resolves when the process is asked to stop. */
  readonly stopAsked: Promise<void>;
  /** Calls `listen` with every rejection that nobody handled: a defect of ours, which must not end everybody's requests. */
  readonly onDefect: (listen: (thrown: unknown) => void) => void;
  /** Calls `last`, which may not wait for anything, when the process ends, in whichever way it can see coming. */
  readonly onExit: (last: () => void) => void;
}

/**
 * `reprise serve`: runs the proxy until it is asked to stop. Gives the exit status: 0 after a clean stop, 2 for mistakes
 * in flags or profile, one line each on standard error, 1 for anything else.
 */
export async function serve(argv: readonly string[], env: Environment, io: ServeIo): Promise<number> {
  const parsed = parseFlags(argv);
  switch (parsed.kind) {
    case 'help':
      io.out(`Usage: reprise serve [FLAGS]\n\nRuns the proxy.\n\n${flagsHelp().join('\n')}\n`);
      return 0;
    case 'version':
      io.out(`${io.version}\n`);
      return 0;
  }
  const loaded = settingsFrom(parsed, env, io.cwd);
  const required = loaded.kind === 'loaded' && loaded.settings.admin.token_required;
  const problems = [...(loaded.kind === 'refused' ? loaded.problems : []), ...checkAdminToken(env, required)];
  if (loaded.kind === 'refused' || problems.length > 0) {
    io.err(`${explainProblems(problems).join('\n')}\n`);
    return 2;
  }
  const { settings, profile } = loaded;
  const events = new Events();
  const format = settings.log.format === 'auto' ? (io.terminal ? 'text' : 'json') : settings.log.format;
  const { level, requests } = settings.log;
  const log = new Log({ level, format, requests, clock: systemClock, write: io.err, unread: io.unread });
  events.listen(log.take);
  io.onExit(() => log.flush());
  io.onDefect((thrown) =>
    events.emit({ kind: 'background-failed', label: 'unhandled rejection', message: messageOf(thrown) }),
  );
  let composed: Composed;
  try {
    composed = await compose(settings, { clock: systemClock, events, env, profile, version: io.version });
  } catch (thrown) {
    log.flush();
    io.err(`${whyNot(thrown, settings)}\n`);
    return 1;
  }
  const { service, controlUrl } = composed;
  const upstream = settings.upstreams.get('default')?.base_url ?? '';
  const control = controlUrl === service.url ? '' : `, control plane ${controlUrl}`;
  io.out(
    `reprise ready on ${service.url} (pid ${io.pid}, profile ${profile}, upstream ${upstream}${control})\n`,
  );
  await io.stopAsked;
  log.line('info', 'stopping', { drain_ms: settings.server.drain });
  await service.stop();
  log.line('info', 'stopped');
  log.flush();
  return 0;
}

/** Why the proxy could not start: what happened, where, and what to do. */
function whyNot(thrown: unknown, { server, disk, admin }: Settings): string {
  if (thrown instanceof FolderLocked) {
    return `The data folder ${disk.path} is in use by another process. Stop that one, or choose another folder with --data.`;
  }
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  const port = thrown instanceof Error && 'port' in thrown ? thrown.port : server.port;
  const flag = port === admin.port ? '--set admin.port=PORT' : '--port';
  const address = `${server.host}:${port}`;
  if (code === 'EADDRINUSE')
    return `${address} is in use by another process. Stop that one, or choose another port with ${flag}.`;
  if (code === 'ENOTSUP')
    return 'Threads cannot share a port on this system (SO_REUSEPORT): it takes Linux or a BSD that hands connections out. Run without --workers.';
  if (code === 'EACCES')
    return `This user may not listen on ${address}. Choose a port above 1023 with ${flag}.`;
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return `${server.host} is no address of this machine. Choose one with --host, such as 127.0.0.1 or 0.0.0.0.`;
  }
  return `Reprise could not start: ${messageOf(thrown)}`;
}
