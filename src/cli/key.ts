import { hashOf, newClientKey } from '../policy/client-key.ts';
import type { CommandIo } from './config.ts';

/**
 * `reprise key new`: prints a new client key, this once, and the hash of it that a profile holds; how to use them goes to
 * standard error. Gives the exit status: 0, or 2 for anything but `new`.
 */
export function key(argv: readonly string[], io: Pick<CommandIo, 'out' | 'err'>): number {
  const [what, ...more] = argv;
  if (what === '--help' || what === '-h') {
    io.out(HELP);
    return 0;
  }
  if (what !== 'new' || more.length > 0) {
    const got = argv.length === 0 ? 'nothing' : JSON.stringify(argv.join(' ').slice(0, 80));
    io.err(`the command line: got ${got}, expected new\n\n${HELP}`);
    return 2;
  }
  const made = newClientKey();
  const hash = hashOf(made);
  io.out(`key:  ${made}\nhash: ${hash}\n`);
  io.err(`
The key is kept nowhere: give it to the client now, as its API key. Its hash goes into the profile:

access:
  mode: gateway
  keys:
    - { name: web, hash: "${hash}" }
`);
  return 0;
}

const HELP = `Usage: reprise key new

Makes a key for a client of the gateway (setting access.mode), and prints it and its hash.
`;
