import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's folder. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A file by its path from the project's folder, with `/` between the parts. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** The files of the project below `folder` that git would know of, sorted; without the lock file's long lists. */
export function filesBelow(folder: string): readonly SourceFile[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((path) => !IGNORED.test(path))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
}

const IGNORED = /^(?:\.git|node_modules|dist|data|coverage)\/|\.(?:log|tgz)$|^\.git$|^package-lock\.json$/;

/** What a file of the project imports, statically or when it runs, types too. */
export interface Imports {
  /** Files of the project, as paths from its folder. */
  readonly files: readonly string[];
  /** Packages, without the path inside them and without Node's own modules. */
  readonly packages: readonly string[];
}

/** Reads what a file imports. */
export function importsOf({ path, text }: SourceFile): Imports {
  const specifiers = [...text.matchAll(IMPORT)].flatMap(([, specifier]) => specifier ?? []);
  const isFile = (specifier: string) => specifier.startsWith('.');
  return {
    files: specifiers.filter(isFile).map((specifier) => join(dirname(path), specifier).split(sep).join('/')),
    packages: specifiers
      .filter((specifier) => !isFile(specifier) && !specifier.startsWith('node:'))
      .map((specifier) => /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier),
  };
}

// `import … from 'x'` and `export … from 'x'`, over several lines too; `import 'x'`; `import('x')`.
const IMPORT = /(?:^(?:import|export)\b[^;'"]*?\bfrom\s*|^import\s*|\bimport\(\s*)['"]([^'"]+)['"]/gm;
