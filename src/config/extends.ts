import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { oneOf } from './fields.ts';
import { nearest } from './nearest.ts';
import type { Problem } from './problems.ts';
import { type ReadText, readText } from './profile-text.ts';
import type { Environment } from './secrets.ts';
import { emptyTree, merge, type Tree } from './tree.ts';

/** Where profiles are looked for. */
export interface Places {
  /** The folder that relative paths of the user start from. */
  readonly cwd: string;
  /** The folder of the profiles that have names. */
  readonly profilesDir: string;
  readonly env: Environment;
}

/** Something that names a profile. */
export interface Reference {
  /** A name such as `production`, or the path of a YAML file. */
  readonly name: string;
  /** The flag, variable or line that says so, for messages, and its setting, if it is one. */
  readonly where: string;
  readonly path: '' | 'extends';
  /** The folder that a relative path starts from. */
  readonly folder: string;
}

/** Reads a profile and lays it over the ones that it extends. */
export function readProfile(reference: Reference, places: Places): ReadText {
  return read(reference, [], places);
}

function read(reference: Reference, above: readonly string[], places: Places): ReadText {
  const { where, path } = reference;
  const fail = (got: string, expected: string): ReadText => {
    return { tree: emptyTree(where), problems: [{ where, path, got, expected }], complete: false };
  };
  const file = fileOf(reference, places);
  if (file === undefined) {
    const names = namesIn(places.profilesDir);
    const expected = `${oneOf([...names, 'the path of a .yaml file'])}; the nearest is "${nearest(reference.name, names)}"`;
    return fail(JSON.stringify(reference.name), expected);
  }
  const shown = shownPath(file, places.cwd);
  if (above.includes(file)) {
    const circle = [...above.slice(above.indexOf(file)), file]
      .map((each) => shownPath(each, places.cwd))
      .join(' > ');
    return fail(`a circle: ${circle}`, 'a profile that does not extend itself');
  }
  const source = sourceOf(file);
  if (source === undefined) return fail(JSON.stringify(shown), 'a file that can be read, of at most 1MB');
  const own = readText(source, (line) => `${shown}:${line}`, places.env);
  const { base, rest, problems } = takeExtends(own.tree);
  const upper = { tree: rest, problems: [...own.problems, ...problems], complete: own.complete };
  if (base === undefined) return upper;
  const lower = read({ ...base, path: 'extends', folder: dirname(file) }, [...above, file], places);
  return {
    tree: merge(lower.tree, upper.tree),
    problems: [...upper.problems, ...lower.problems],
    complete: upper.complete && lower.complete,
  };
}

/** A profile's settings without its `extends`, and what that says. */
function takeExtends(tree: Tree): {
  readonly base: Pick<Reference, 'name' | 'where'> | undefined;
  readonly rest: Tree;
  readonly problems: readonly Problem[];
} {
  const said = tree.kind === 'map' ? tree.entries.get('extends') : undefined;
  if (tree.kind !== 'map' || said === undefined) return { base: undefined, rest: tree, problems: [] };
  const rest: Tree = { ...tree, entries: new Map([...tree.entries].filter(([key]) => key !== 'extends')) };
  const { where } = said;
  if (said.kind === 'scalar' && typeof said.value === 'string') {
    return { base: { name: said.value, where }, rest, problems: [] };
  }
  const expected = 'the name of one profile or the path of a file';
  return { base: undefined, rest, problems: [{ where, path: 'extends', got: 'no text', expected }] };
}

/** The file a reference means; undefined if it is neither the name of a profile nor looks like a path. */
function fileOf({ name, folder }: Reference, { profilesDir }: Places): string | undefined {
  if (/[\\/]|\.ya?ml$/.test(name)) return resolve(folder, name);
  return namesIn(profilesDir).includes(name) ? join(profilesDir, `${name}.yaml`) : undefined;
}

function namesIn(profilesDir: string): string[] {
  return readdirSync(profilesDir)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.slice(0, -'.yaml'.length))
    .sort();
}

const LARGEST = 1_000_000;

function sourceOf(file: string): string | undefined {
  try {
    const status = statSync(file);
    // Not a device or a pipe, which might never end.
    return status.isFile() && status.size <= LARGEST ? readFileSync(file, 'utf8') : undefined;
  } catch {
    return undefined;
  }
}

function shownPath(file: string, cwd: string): string {
  const fromHere = relative(cwd, file) || '.';
  return fromHere.startsWith(`..${sep}`) ? file : fromHere;
}
