#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { config } from './cli/config.ts';
import { demo } from './cli/demo.ts';
import { invalidate } from './cli/invalidate.ts';
import { key } from './cli/key.ts';
import { serve } from './cli/serve.ts';
import { stats } from './cli/stats.ts';
import { webhook } from './cli/webhook.ts';
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

process.exitCode = await run(process.argv.slice(2));

async function run([command = '--help', ...argv]: string[]): Promise<number> {
  const io = {
    out: (text: string) => void process.stdout.write(text),
    err: (text: string) => void process.stderr.write(text),
    cwd: process.cwd(),
    version: versionOf(),
    pid: process.pid,
    terminal: process.stderr.isTTY === true,
  };
  try {
    switch (command) {
      case 'serve':
        return await serve(argv, process.env, {
          ...io,
          stopAsked: signalled(),
          onDefect: (listen) => process.on('unhandledRejection', listen),
          onExit: (last) => process.on('exit', last),
        });
      case 'config':
        return config(argv, process.env, io);
      case 'invalidate':
        return await invalidate(argv, process.env, io);
      case 'stats':
        return await stats(argv, process.env, io);
      case 'key':
        return key(argv, io);
      case 'webhook':
        return await webhook(argv, process.env, io);
      case 'demo':
        return await demo(argv, process.env, io);
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

/** Resolves at the first SIGTERM or SIGINT; the second one of a person in a hurry ends the process at once. */
function signalled(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
}

function versionOf(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const version =
    typeof manifest === 'object' && manifest !== null && 'version' in manifest ? manifest.version : '';
  return String(version);
}
