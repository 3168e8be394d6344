import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';

/** A file of the dashboard, as it is sent. */
export interface PageFile {
  /** Its media type. */
  readonly type: string;
  readonly body: Buffer<ArrayBuffer>;
  /** A strong validator in its quotes (RFC 9110 §8.8.3). */
  readonly etag: string;
}

/** The page itself. */
export const PAGE = 'index.html';

/**
 * The dashboard's files by name: those that lie in its folder, and the charts' library out of its package. All of them are
 * read now, so that no path of a request ever comes near the file system. Throws where they are not there.
 */
export function readPageFiles(): ReadonlyMap<string, PageFile> {
  const files = new Map<string, PageFile>();
  for (const name of readdirSync(FOLDER)) {
    const type = typeOf(name);
    if (type !== undefined) files.set(name, fileAt(new URL(name, FOLDER), type));
  }
  for (const [name, place] of LIBRARY) {
    files.set(name, fileAt(new URL(import.meta.resolve(place)), typeOf(name) ?? ''));
  }
  return files;
}

const FOLDER = new URL('../dashboard/', import.meta.url);

/** By the names that the page knows them under. */
const LIBRARY = [
  ['uplot.js', 'uplot/dist/uPlot.esm.js'],
  ['uplot.css', 'uplot/dist/uPlot.min.css'],
] as const;

const TYPES = new Map([
  ['html', 'text/html; charset=utf-8'],
  ['css', 'text/css; charset=utf-8'],
  ['js', 'text/javascript; charset=utf-8'],
  ['svg', 'image/svg+xml'],
]);

/** Undefined for what is no part of the page, such as the settings its types are checked with. */
function typeOf(name: string): string | undefined {
  return TYPES.get(/\.(\w+)$/.exec(name)?.[1] ?? '');
}

function fileAt(place: URL, type: string): PageFile {
  const body = readFileSync(place);
  return { type, body, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` };
}
