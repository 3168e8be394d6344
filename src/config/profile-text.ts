import { isAlias, isMap, isScalar, isSeq, LineCounter, type Pair, parseDocument, type YAMLError } from 'yaml';
import { formatPath, type Problem } from './problems.ts';
import type { Environment } from './secrets.ts';
import { emptyTree, type Path, type Tree } from './tree.ts';
import { interpolate } from './variables.ts';

/** What a YAML text says, as far as it could be read. */
export interface ReadText {
  readonly tree: Tree;
  readonly problems: readonly Problem[];
  /** Whether `tree` holds all that the text says: if not, what it lacks proves nothing. */
  readonly complete: boolean;
}

/** Reads a profile: {@link readValue} of a map, or of nothing at all. */
export function readText(source: string, placeOf: (line: number) => string, env: Environment): ReadText {
  const { tree, problems, complete } = readValue(source, placeOf, env);
  if (tree.kind === 'map') return { tree, problems, complete };
  const empty = emptyTree(placeOf(1));
  if (tree.kind === 'scalar' && tree.value === null) return { tree: empty, problems, complete };
  if (tree.kind === 'unreadable') return { tree: empty, problems, complete: false };
  const problem = { where: tree.where, path: '', got: `a ${tree.kind}`, expected: 'a map of settings' };
  return { tree: empty, problems: [...problems, problem], complete: false };
}

/**
 * Reads one YAML 1.2 document and puts the environment's variables into its texts. `placeOf` names a line, counted
 * from 1, for messages.
 */
export function readValue(source: string, placeOf: (line: number) => string, env: Environment): ReadText {
  const lines = new LineCounter();
  const document = parseDocument(source, {
    lineCounter: lines,
    prettyErrors: false,
    schema: 'core',
    stringKeys: true,
    uniqueKeys: false,
  });
  const lineAt = (offset: number | undefined) => placeOf(lines.linePos(offset ?? 0).line);
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0)
    return { tree: emptyTree(placeOf(1)), problems: faults.map(explainFault), complete: false };
  const reader = new NodeReader(lineAt, env);
  const tree = reader.read(document.contents, [], placeOf(1));
  return { tree, problems: reader.problems, complete: reader.complete };

  function explainFault({ pos, code, message }: YAMLError): Problem {
    const got = code === 'MULTIPLE_DOCS' ? 'a second document' : `no valid YAML (${message})`;
    return { where: lineAt(pos[0]), path: '', got, expected: 'one document of YAML 1.2' };
  }
}

// A profile that says every setting twenty times over stays far below both. Aliases that multiply run into the first.
const MOST_VALUES = 10_000;
const DEEPEST = 16;

/** Turns nodes of the `yaml` package into trees, in the order of the document. */
class NodeReader {
  readonly problems: Problem[] = [];
  complete = true;
  readonly #lineAt: (offset: number | undefined) => string;
  readonly #env: Environment;
  /** What an alias stands for: only what has been read whole, so that nothing can contain itself. */
  readonly #anchors = new Map<string, { readonly tree: Tree; readonly values: number }>();
  #values = 0;

  constructor(lineAt: (offset: number | undefined) => string, env: Environment) {
    this.#lineAt = lineAt;
    this.#env = env;
  }

  read(node: unknown, path: Path, where: string): Tree {
    const before = this.#values++;
    if (path.length > DEEPEST || this.#values > MOST_VALUES) {
      return this.#refuse(path, where, 'too much', `at most ${DEEPEST} levels and ${MOST_VALUES} values`);
    }
    if (isAlias(node)) {
      const anchored = this.#anchors.get(node.source);
      if (anchored === undefined) {
        return this.#refuse(
          path,
          where,
          `the alias *${node.source}`,
          'an alias of something that ends before it',
        );
      }
      this.#values += anchored.values;
      return anchored.tree;
    }
    const tree = this.#readValue(node, path, where);
    if ((isMap(node) || isSeq(node) || isScalar(node)) && node.anchor !== undefined) {
      this.#anchors.set(node.anchor, { tree, values: this.#values - before });
    }
    return tree;
  }

  #readValue(node: unknown, path: Path, where: string): Tree {
    if (isMap(node)) return this.#readMap(node.items, path, where);
    if (isSeq(node)) {
      const items = node.items.map((item, index) =>
        this.read(item, [...path, index], this.#placeOf(item, where)),
      );
      return { kind: 'list', items, where };
    }
    const value = isScalar(node) ? node.value : null;
    if (typeof value === 'string') return this.#readText(value, path, where);
    const isPlain = typeof value === 'number' || typeof value === 'boolean';
    return { kind: 'scalar', value: isPlain ? value : null, where };
  }

  #readMap(pairs: readonly Pair[], path: Path, where: string): Tree {
    const entries = new Map<string, Tree>();
    for (const { key, value } of pairs) {
      const name = isScalar(key) ? String(key.value) : '';
      const place = this.#placeOf(key, where);
      const first = entries.get(name);
      if (first !== undefined) {
        this.#report([...path, name], place, `the key again, after ${first.where}`, 'each key once');
      }
      entries.set(name, this.read(value, [...path, name], place));
    }
    return { kind: 'map', entries, where };
  }

  #readText(written: string, path: Path, where: string): Tree {
    const { text, mistakes } = interpolate(written, this.#env);
    for (const { got, expected } of mistakes) this.#report(path, where, got, expected);
    return mistakes.length > 0 ? { kind: 'unreadable', where } : { kind: 'scalar', value: text, where };
  }

  #placeOf(node: unknown, otherwise: string): string {
    const offset =
      isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? node.range?.[0] : undefined;
    return offset === undefined ? otherwise : this.#lineAt(offset);
  }

  #refuse(path: Path, where: string, got: string, expected: string): Tree {
    // Once is enough: what follows is the same mistake.
    if (this.complete) this.#report(path, where, got, expected);
    this.complete = false;
    return { kind: 'unreadable', where };
  }

  #report(path: Path, where: string, got: string, expected: string): void {
    this.problems.push({ where, path: formatPath(path), got, expected });
  }
}
