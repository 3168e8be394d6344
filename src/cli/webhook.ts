import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { nearest } from '../config/nearest.ts';
import { explainProblems } from '../config/problems.ts';
import type { Settings } from '../config/schema.ts';
import type { Environment } from '../config/secrets.ts';
import type { SignedDraft } from '../invalidation/schemes/scheme.ts';
import { signTest } from '../invalidation/test-delivery.ts';
import { systemClock } from '../shared/clock.ts';
import { messageOf } from '../shared/errors.ts';
import { tableOf, type ValuedFlag } from './command-line.ts';
import type { CommandIo } from './config.ts';
import { flagsHelp, parseFlags } from './flags.ts';
import { settingsFrom } from './settings.ts';
import { whyUnreached } from './unreached.ts';

/**
 * `reprise webhook send NAME`: signs a test event with the profile's first secret, as the sender would, sends it to a running
 * server and prints its answer. Gives the exit status: 0 if a rule was applied, 1 if not, 2 for mistakes in what was asked.
 */
export async function webhook(argv: readonly string[], env: Environment, io: CommandIo): Promise<number> {
  const { own, others, mistakes } = separate(argv);
  const words = others[0] === 'send' ? others.slice(1) : undefined;
  const name = words?.[0]?.startsWith('-') === false ? words[0] : undefined;
  const parsed = parseFlags(name === undefined ? (words ?? others) : others.slice(2));
  if (parsed.kind === 'help') {
    io.out(`${[...HELP, ...flagsHelp()].join('\n')}\n`);
    return 0;
  }
  if (parsed.kind === 'version') {
    io.out(`${io.version}\n`);
    return 0;
  }
  if (name === undefined) mistakes.push("the command line: expected send and a webhook's name");
  if (!own.has('event')) mistakes.push('--event: got nothing, expected the name of an event');
  const loaded = settingsFrom(parsed, env, io.cwd);
  if (loaded.kind === 'refused') mistakes.push(...explainProblems(loaded.problems));
  if (name === undefined || loaded.kind === 'refused' || mistakes.length > 0) {
    io.err(`${mistakes.join('\n')}\n`);
    return 2;
  }
  let signed: SignedDraft;
  try {
    signed = testOf(name, own, loaded.settings, io.cwd);
  } catch (thrown) {
    io.err(`${messageOf(thrown)}\n`);
    return 2;
  }
  const url = own.get('url') ?? (env.REPRISE_URL || addressOf(loaded.settings));
  return await deliver(`${url.replace(/\/+$/, '')}/webhooks/${name}`, signed, io);
}

const OWN_FLAGS: readonly ValuedFlag[] = [
  { flag: 'event', value: 'NAME', variables: [], meaning: 'what has happened, such as products/update' },
  { flag: 'data', value: 'JSON', variables: [], meaning: 'the payload' },
  { flag: 'file', value: 'FILE', variables: [], meaning: 'a file with the payload' },
  {
    flag: 'url',
    value: 'URL',
    variables: ['REPRISE_URL'],
    meaning: 'the server, if it is not where the profile says',
  },
];

const HELP: readonly string[] = [
  'Usage: reprise webhook send NAME --event EVENT [--data JSON | --file FILE] [FLAGS]',
  '',
  'Signs a test event as the sender of the webhook NAME would, sends it to a running server, and prints the answer.',
  '',
  ...tableOf(OWN_FLAGS, []),
  '',
];

interface Separated {
  /** The command's own flags; of one given twice the last. */
  readonly own: ReadonlyMap<string, string>;
  readonly others: readonly string[];
  readonly mistakes: string[];
}

function separate(argv: readonly string[]): Separated {
  const own = new Map<string, string>();
  const others: string[] = [];
  const mistakes: string[] = [];
  const rest = [...argv];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const [, flag = '', inline] = /^--([a-z]+)(?:=(.*))?$/s.exec(word) ?? [];
    const known = OWN_FLAGS.find((one) => one.flag === flag);
    if (known === undefined) {
      others.push(word);
      continue;
    }
    const value = inline ?? rest.shift();
    if (value === undefined)
      mistakes.push(`--${flag}: got no value, expected ${known.value}: ${known.meaning}`);
    own.set(flag, value ?? '');
  }
  return { own, others, mistakes };
}

/** The test delivery that is asked for. Throws an error that says what is wrong. */
function testOf(
  name: string,
  own: ReadonlyMap<string, string>,
  { webhooks }: Settings,
  cwd: string,
): SignedDraft {
  const settings = webhooks.get(name);
  if (settings === undefined) {
    const names = [...webhooks.keys()];
    const hint = names.length === 0 ? 'it has none' : `the nearest is ${nearest(name, names)}`;
    throw new Error(`The profile has no webhook ${JSON.stringify(name)}: ${hint}.`);
  }
  const file = own.get('file');
  const payload = file === undefined ? (own.get('data') ?? '{}') : readFileSync(resolve(cwd, file), 'utf8');
  const draft = { event: own.get('event') ?? '', id: randomUUID(), payload, now: systemClock.now() };
  return signTest(settings, draft);
}

function addressOf({ server: { host, port, tls } }: Settings): string {
  const scheme = tls === undefined ? 'http' : 'https';
  if (host === '0.0.0.0' || host === '::') return `${scheme}://127.0.0.1:${port}`;
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

async function deliver(url: string, { headers, body }: SignedDraft, io: CommandIo): Promise<number> {
  let answer: Response;
  let text: string;
  try {
    answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...Object.fromEntries(headers) },
      body,
      redirect: 'manual',
    });
    text = await answer.text();
  } catch (thrown) {
    io.err(`${whyUnreached(url, thrown)}\n`);
    return 1;
  }
  io.out(`${answer.status} ${text}\n`);
  return answer.ok && /"accepted":true/.test(text) ? 0 : 1;
}
