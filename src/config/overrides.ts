import type { Problem } from './problems.ts';
import { type ReadText, readValue } from './profile-text.ts';
import type { Environment } from './secrets.ts';
import { emptyTree, merge, type Tree, treeAt } from './tree.ts';

/** What the command line says of settings. */
export interface Flags {
  /** The profile: a name or the path of a file. */
  readonly profile?: string | undefined;
  /** The values of the flags in {@link OVERRIDES}, by the flag's name. */
  readonly values: ReadonlyMap<string, string>;
  /** The values of `--set`, each `PATH=VALUE`, in order. */
  readonly sets: readonly string[];
}

/** The settings that have a flag and environment variables of their own; of several variables the first one that is set counts. */
export const OVERRIDES: readonly Override[] = [
  {
    flag: 'upstream',
    value: 'URL',
    variables: ['REPRISE_UPSTREAM', 'OPENAI_BASE_URL'],
    keys: ['upstreams', 'default', 'base_url'],
    meaning: 'the upstream, with its /v1',
  },
  {
    flag: 'host',
    value: 'ADDRESS',
    variables: ['REPRISE_HOST'],
    keys: ['server', 'host'],
    meaning: 'the address to listen on',
  },
  {
    flag: 'port',
    value: 'PORT',
    variables: ['REPRISE_PORT'],
    keys: ['server', 'port'],
    meaning: 'the port to listen on; 0 picks a free one',
  },
  {
    flag: 'data',
    value: 'DIR',
    variables: ['REPRISE_DATA'],
    keys: ['disk', 'path'],
    meaning: 'the folder of the cache on disk',
  },
  {
    flag: 'workers',
    value: 'N',
    variables: ['REPRISE_WORKERS'],
    keys: ['server', 'workers'],
    meaning: 'the threads that answer requests, on one port and with one cache',
  },
];

/** The settings that have an environment variable of their own and no flag. */
const VARIABLES: readonly Pick<Override, 'variables' | 'keys'>[] = [
  // The name that programs and platforms agree on. With its password it does not belong on a command line.
  { variables: ['REDIS_URL'], keys: ['redis', 'url'] },
];

/** A setting with a flag of its own. */
export interface Override {
  readonly flag: string;
  /** What stands for the flag's value in a help text. */
  readonly value: string;
  readonly variables: readonly string[];
  readonly keys: readonly string[];
  readonly meaning: string;
}

/** The settings said by environment variables, and over them the ones said by flags. */
export function readOverrides(
  flags: Flags,
  env: Environment,
): { readonly tree: Tree; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  let tree = emptyTree('the environment');
  for (const { variables, keys } of [...OVERRIDES, ...VARIABLES]) {
    // An empty variable is how container files say "not set".
    const name = variables.find((variable) => (env[variable] ?? '') !== '');
    if (name !== undefined) tree = merge(tree, textAt(keys, env[name] ?? '', name));
  }
  for (const { flag, keys } of OVERRIDES) {
    const value = flags.values.get(flag);
    if (value !== undefined) tree = merge(tree, textAt(keys, value, `--${flag}`));
  }
  for (const set of flags.sets) {
    const read = readSet(set, env);
    tree = merge(tree, read.tree);
    problems.push(...read.problems);
  }
  return { tree, problems };
}

function textAt(keys: readonly string[], value: string, where: string): Tree {
  return treeAt(keys, { kind: 'scalar', value, where });
}

function readSet(set: string, env: Environment): Pick<ReadText, 'tree' | 'problems'> {
  const equals = set.indexOf('=');
  const path = equals < 0 ? set : set.slice(0, equals);
  const where = `--set ${path}`;
  const keys = path.split('.');
  if (equals < 0 || keys.includes('')) {
    const got = equals < 0 ? 'no value' : 'an empty key';
    const expected = 'PATH=VALUE, such as types.llm_responses.ttl=2s';
    return { tree: emptyTree(where), problems: [{ where, path: '', got, expected }] };
  }
  if (keys[0] === 'extends') {
    const problem = {
      where,
      path: 'extends',
      got: 'a profile to extend',
      expected: '--profile, which chooses one',
    };
    return { tree: emptyTree(where), problems: [problem] };
  }
  const value = readValue(set.slice(equals + 1), () => where, env);
  if (!value.complete) return { tree: emptyTree(where), problems: value.problems };
  return { tree: treeAt(keys, value.tree), problems: value.problems };
}
