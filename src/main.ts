#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import nodeModule from 'node:module';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { unfitNode } from './cli/node-version.ts';
import { nearest } from './config/nearest.ts';
import { messageOf } from './shared/errors.ts';

const HELP = `Usage: reprise COMMAND [FLAGS]

  serve       run the proxy (what npm start does)
  config      print the effective settings; --schema prints the JSON Schema of profiles
  invalidate  drop entries from the cache of a running server, by tag, key, pattern, type …
  stats       show how the cache of a running server does
  key         make a client key for the gateway: reprise key new
  webhook     sign and send a test event: reprise webhook send NAME --event EVENT
  demo        show what a cache does for a shop's assistant; needs no key and no network

Every command explains its flags with --help.
`;

const COMMANDS = ['serve', 'config', 'invalidate', 'stats', 'key', 'webhook', 'demo'];

/** What npm calls our scripts and `npx reprise`, whose shell does nothing but wait: scripts of others may send a server to the background. */
const RUN_BY_NPM = ['start', 'reprise', 'npx'];
/** Milliseconds between two looks whether npm is still there. */
const LOOK_MS = 500;

/*
 * V8 allocates in the old generation, for good, what outlived a few collections while we were starting. Where such code is also on the way of a
 * request, what it makes is garbage that keeps what it points to alive until the next full collection: all of a request, in every other
 * process (measured: misses took a fifth to a third more CPU there). Set before anything is compiled, whose cache is kept by flags.
 */
setFlagsFromString('--no-allocation-site-pretenuring');

/*
 * What one start has compiled the next one finds compiled: it is ready in two thirds of the time (measured). It is kept among the
 * packages, since who may write there may change the code itself, which cannot be said of a folder for temporary files; where it cannot
 * be written, nothing is kept. It serves what is loaded from here on: each command only when it is run. Threads look for it in the environment.
 */
const compiled = fileURLToPath(new URL('../node_modules/.cache/reprise', import.meta.url));
// No Node before 22.1 has it, nor a file that imports it by name.
nodeModule.enableCompileCache?.(compiled);
process.env.NODE_COMPILE_CACHE ??= compiled;

// Whoever reads may be gone (`… | head`, a collector of logs that restarts): what is written then is lost, and nothing else is.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

process.exitCode = await run(process.argv.slice(2));

async function run([command = '--help', ...argv]: string[]): Promise<number> {
  const { version, engines } = manifest();
  const unfit = unfitNode(process.versions.node, engines);
  if (unfit !== undefined) {
    process.stderr.write(`${unfit} (${process.execPath}).\n`);
    return 1;
  }
  const io = {
    out: (text: string) => void process.stdout.write(text),
    err: (text: string) => void process.stderr.write(text),
    cwd: process.cwd(),
    version,
    pid: process.pid,
    terminal: process.stderr.isTTY === true,
  };
  try {
    switch (command) {
      case 'serve': {
        const { serve } = await import('./cli/serve.ts');
        const status = await serve(argv, process.env, {
          ...io,
          unread: () => process.stderr.writableLength,
          stopAsked: stopAsked(),
          onDefect: (listen) => process.on('unhandledRejection', listen),
          onExit: (last) => process.on('exit', last),
        });
        // A pipe that nobody empties would hold the process for ever.
        if (process.stderr.writableLength > 0) setTimeout(() => process.exit(), 1_000).unref();
        return status;
      }
      case 'config': {
        const { config } = await import('./cli/config.ts');
        return config(argv, process.env, io);
      }
      case 'invalidate': {
        const { invalidate } = await import('./cli/invalidate.ts');
        return await invalidate(argv, process.env, io);
      }
      case 'stats': {
        const { stats } = await import('./cli/stats.ts');
        return await stats(argv, process.env, io);
      }
      case 'key': {
        const { key } = await import('./cli/key.ts');
        return key(argv, io);
      }
      case 'webhook': {
        const { webhook } = await import('./cli/webhook.ts');
        return await webhook(argv, process.env, io);
      }
      case 'demo': {
        const { demo } = await import('./cli/demo.ts');
        return await demo(argv, process.env, io);
      }
      case '--help':
      case '-h':
      case 'help':
        io.out(HELP);
        return 0;
      case '--version':
        io.out(`${io.version}\n`);
        return 0;
      default:
        io.err(
          `${JSON.stringify(command)} is no command of reprise; the nearest is ${nearest(command, COMMANDS)}.\n\n${HELP}`,
        );
        return 2;
    }
  } catch (thrown) {
    io.err(`reprise ${command} failed: ${messageOf(thrown)}\n`);
    return 1;
  }
}

/** Resolves at the first SIGTERM or SIGINT, or its like by npm; the second one of a person in a hurry ends the process at once. */
function stopAsked(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
    if (RUN_BY_NPM.includes(process.env.npm_lifecycle_event ?? '')) whenAlone(resolve);
  });
}

/**
 * Calls `told` when the process that started this one has ended, where the system gives orphans another parent. npm ends on a signal and
 * hands it to the shell that runs the command, which ends too and passes it to nobody: the proxy would hold its port for ever.
 */
function whenAlone(told: () => void): void {
  const parent = process.ppid;
  const looking = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(looking);
    told();
  }, LOOK_MS).unref();
}

/** What this package says of itself. */
function manifest(): { readonly version: string; readonly engines: string } {
  const { version, engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return { version: String(version), engines: String(engines.node) };
}
