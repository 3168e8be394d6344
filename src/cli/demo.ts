import { parseArgs } from 'node:util';
import { nearest } from '../config/nearest.ts';
import { explainProblems, type Problem } from '../config/problems.ts';
import type { Environment } from '../config/secrets.ts';
import type { DemoOptions } from '../demo/run.ts';
import { systemClock } from '../shared/clock.ts';
import { messageOf } from '../shared/errors.ts';
import type { CommandIo } from './config.ts';

/**
 * `reprise demo`: a load of questions to a stand-in model and a small shop, through a proxy of its own. Gives the exit
 * status: 0 if all four figures reach their targets, 1 if not or if something failed, 2 for bad flags, 130 if interrupted.
 */
export async function demo(
  argv: readonly string[],
  env: Environment,
  io: Pick<CommandIo, 'out' | 'err'>,
): Promise<number> {
  const parsed = readFlags(argv);
  switch (parsed.kind) {
    case 'help':
      io.out(`${HELP.join('\n')}\n`);
      return 0;
    case 'refused':
      io.err(`${explainProblems(parsed.problems).join('\n')}\n`);
      return 2;
  }
  const interruption = new AbortController();
  const interrupt = (): void => interruption.abort();
  for (const signal of SIGNALS) process.on(signal, interrupt);
  try {
    const { presentDemo } = await import('../demo/present.ts');
    const reached = await presentDemo(parsed.options, {
      output: process.stdout,
      json: parsed.json,
      command: [process.execPath, ...process.execArgv, process.argv[1] ?? ''],
      env,
      clock: systemClock,
      signal: interruption.signal,
    });
    return reached ? 0 : 1;
  } catch (thrown) {
    if (interruption.signal.aborted) return 130;
    io.err(`the demo stopped: ${explain(thrown)}\n`);
    return 1;
  } finally {
    for (const signal of SIGNALS) process.off(signal, interrupt);
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const FLAGS = new Map<
  string,
  { readonly otherwise: number; readonly whole: boolean; readonly meaning: string }
>([
  ['questions', { otherwise: 1500, whole: true, meaning: 'how many are asked; with few, little repeats' }],
  ['customers', { otherwise: 32, whole: true, meaning: 'who ask at the same time' }],
  ['seed', { otherwise: 1, whole: true, meaning: 'which questions are drawn' }],
  ['speed', { otherwise: 1, whole: false, meaning: 'how many times as fast as real ones the stand-ins are' }],
]);
const SWITCHES = new Map([
  ['json', 'one JSON object at the end, and nothing else'],
  ['help', 'show this'],
]);

const HELP: readonly string[] = [
  'Usage: reprise demo [FLAGS]',
  '',
  'Asks a small shop many questions through the proxy, with a stand-in model: no key, no network.',
  '',
  ...[...FLAGS].map(
    ([flag, { otherwise, meaning }]) => `  ${`--${flag} N`.padEnd(14)}  ${meaning} (${otherwise})`,
  ),
  ...[...SWITCHES].map(([flag, meaning]) => `  ${`--${flag}`.padEnd(14)}  ${meaning}`),
];

type ParsedFlags =
  | { readonly kind: 'run'; readonly options: DemoOptions; readonly json: boolean }
  | { readonly kind: 'help' }
  | { readonly kind: 'refused'; readonly problems: readonly Problem[] };

function readFlags(argv: readonly string[]): ParsedFlags {
  const values = new Map([...FLAGS].map(([flag, { otherwise }]) => [flag, otherwise]));
  const switches = new Set<string>();
  const problems: Problem[] = [];
  for (const token of tokensOf(argv)) {
    const problem = token.kind === 'option-terminator' ? undefined : problemOf(token);
    if (problem !== undefined) problems.push({ path: '', ...problem });
    else if (token.kind !== 'option') continue;
    else if (token.value === undefined) switches.add(token.name);
    else values.set(token.name, Number(token.value));
  }
  if (switches.has('help')) return { kind: 'help' };
  if (problems.length > 0) return { kind: 'refused', problems };
  const numberOf = (flag: string): number => values.get(flag) ?? Number.NaN;
  const options = {
    questions: numberOf('questions'),
    customers: numberOf('customers'),
    seed: numberOf('seed'),
    speed: numberOf('speed'),
  };
  return { kind: 'run', options, json: switches.has('json') };
}

type Token = ReturnType<typeof tokensOf>[number];

function tokensOf(argv: readonly string[]) {
  const flags = [...FLAGS.keys()].map((flag) => [flag, { type: 'string' as const }]);
  return parseArgs({
    args: [...argv],
    options: {
      ...Object.fromEntries(flags),
      json: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
    // Not strict: strict stops at the first mistake.
    strict: false,
    tokens: true,
  }).tokens;
}

function problemOf(token: Exclude<Token, { kind: 'option-terminator' }>): Omit<Problem, 'path'> | undefined {
  if (token.kind === 'positional') {
    return { where: 'the command line', got: JSON.stringify(token.value), expected: 'flags only' };
  }
  const { name, rawName: where, value } = token;
  const flag = FLAGS.get(name);
  if (flag !== undefined) {
    const number = Number(value);
    if (number > 0 && number < Number.POSITIVE_INFINITY && (!flag.whole || Number.isSafeInteger(number)))
      return undefined;
    const got = value === undefined ? 'no value' : JSON.stringify(value);
    return { where, got, expected: flag.whole ? 'a whole number above 0' : 'a number above 0' };
  }
  if (SWITCHES.has(name))
    return value === undefined ? undefined : { where, got: 'a value', expected: 'none' };
  const known = nearest(name, [...FLAGS.keys(), ...SWITCHES.keys()]);
  return { where, got: 'an unknown flag', expected: `a known one; the nearest is --${known}` };
}

/** The message of what was thrown, with its cause, for `fetch failed` alone says little. */
function explain(thrown: unknown): string {
  if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ERR_MODULE_NOT_FOUND') {
    return `a package is missing (${thrown.message}); \`npm ci\` brings it`;
  }
  const cause = thrown instanceof Error && thrown.cause !== undefined ? `: ${messageOf(thrown.cause)}` : '';
  return messageOf(thrown) + cause;
}
