/** A value as it was written, with the place where: what is told about it later can say where it stands. */
export type Tree =
  | { readonly kind: 'scalar'; readonly value: Scalar; readonly where: string }
  | { readonly kind: 'list'; readonly items: readonly Tree[]; readonly where: string }
  | { readonly kind: 'map'; readonly entries: ReadonlyMap<string, Tree>; readonly where: string }
  /** What could not be read, and has been told of already. */
  | { readonly kind: 'unreadable'; readonly where: string };

/** A value without parts, as YAML's core schema has them. */
export type Scalar = string | number | boolean | null;

/** The steps from the top to a value: keys of maps and indexes of lists. */
export type Path = readonly PropertyKey[];

/** A map without entries. */
export function emptyTree(where: string): Tree {
  return { kind: 'map', entries: new Map(), where };
}

/** A map that holds `value` at `keys`, and nothing else. */
export function treeAt(keys: readonly string[], value: Tree): Tree {
  return keys.reduceRight<Tree>(
    (inner, key) => ({ kind: 'map', entries: new Map([[key, inner]]), where: inner.where }),
    value,
  );
}

/**
 * `above` laid over `below`: maps deep, everything else replaced. Where only one of the two is a map the other one
 * stays, because no setting can be both: it is a mistake that has to come to light.
 */
export function merge(below: Tree, above: Tree): Tree {
  if (above.kind !== 'map') return above;
  if (below.kind !== 'map') return below;
  const entries = new Map(below.entries);
  for (const [key, value] of above.entries) {
    const covered = entries.get(key);
    entries.set(key, covered === undefined ? value : merge(covered, value));
  }
  return { kind: 'map', entries, where: above.where };
}

/** The tree's plain value: objects, arrays and scalars. */
export function plain(tree: Tree): unknown {
  switch (tree.kind) {
    case 'scalar':
      return tree.value;
    case 'unreadable':
      return null;
    case 'list':
      return tree.items.map(plain);
    case 'map':
      // fromEntries defines own properties, also of the name `__proto__`.
      return Object.fromEntries([...tree.entries].map(([key, value]) => [key, plain(value)]));
  }
}

/** What stands at `path`, and where; of something absent the place of the innermost thing around it. */
export function lookUp(tree: Tree, path: Path): { readonly found: Tree | undefined; readonly where: string } {
  let at = tree;
  for (const step of path) {
    const next = child(at, step);
    if (next === undefined) return { found: undefined, where: at.where };
    at = next;
  }
  return { found: at, where: at.where };
}

function child(tree: Tree, step: PropertyKey): Tree | undefined {
  if (tree.kind === 'map') return tree.entries.get(String(step));
  return tree.kind === 'list' ? tree.items[Number(step)] : undefined;
}

/** What stands at `path` in a plain value; undefined if nothing does. */
export function valueAt(value: unknown, path: Path): unknown {
  let at = value;
  for (const step of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined;
    at = Reflect.get(at, step);
  }
  return at;
}
