import type * as z from 'zod';
import { knownKeys, profileJsonSchema } from './json-schema.ts';
import { nearest } from './nearest.ts';
import type { Mask } from './secrets.ts';
import { lookUp, type Path, type Scalar, type Tree } from './tree.ts';

/** One mistake in the settings. */
export interface Problem {
  /** The file and line, flag or environment variable it stands in. */
  readonly where: string;
  /** The setting, e.g. `types.llm_responses.ttl`; empty if it is about none. */
  readonly path: string;
  /** What was found there, in words, secrets masked. */
  readonly got: string;
  /** What would be right, in words. */
  readonly expected: string;
}

/** Something wrong with the value at a path; `got` in words, if the value itself does not say it. */
export interface Finding {
  readonly path: Path;
  readonly got?: string;
  readonly expected: string;
}

/** One line for each mistake: where, which setting, what was got, what is expected. */
export function explainProblems(problems: readonly Problem[]): string[] {
  return problems.map(({ where, path, got, expected }) => {
    const place = path === '' ? where : `${where}: ${path}`;
    return `${place}: got ${got}, expected ${expected}`;
  });
}

/** What a schema refused, as findings: a key it does not know names the nearest one it does. */
export function findingsOf(error: z.ZodError): Finding[] {
  const profile = profileJsonSchema();
  return error.issues.flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys') return [{ path: issue.path, expected: issue.message }];
    const known = knownKeys(profile, issue.path);
    return issue.keys.map((key) => ({
      path: [...issue.path, key],
      got: 'an unknown key',
      expected: `a known one; the nearest is "${nearest(key, known)}"`,
    }));
  });
}

/** A finding as a problem, with its place and its value looked up in the tree. */
export function problemAt(tree: Tree, finding: Finding, mask: Mask): Problem {
  const { found, where } = lookUp(tree, finding.path);
  return {
    where,
    path: formatPath(finding.path),
    got: finding.got ?? describe(found, finding.path, mask),
    expected: finding.expected,
  };
}

/** A path as people write it: `routes[1].match.path`. */
export function formatPath(path: Path): string {
  return path.reduce<string>((shown, step) => {
    if (typeof step === 'number') return `${shown}[${step}]`;
    const key = String(step);
    if (!/^[\w-]{1,64}$/.test(key)) return `${shown}[${shorten(JSON.stringify(key))}]`;
    return shown === '' ? key : `${shown}.${key}`;
  }, '');
}

function describe(tree: Tree | undefined, path: Path, mask: Mask): string {
  if (tree === undefined || tree.kind === 'unreadable') return 'nothing';
  if (tree.kind === 'map') return 'a map';
  if (tree.kind === 'scalar') return tree.value === null ? 'nothing' : quote(tree.value, path, mask);
  const items = tree.items.map((item) => describe(item, path, mask));
  return shorten(`[${items.join(', ')}]`);
}

function quote(value: Scalar, path: Path, mask: Mask): string {
  const text = String(value);
  const shown = mask(path, text);
  return typeof value === 'string' || shown !== text ? shorten(JSON.stringify(shown)) : text;
}

const LONGEST = 120;

function shorten(text: string): string {
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}…`;
}
