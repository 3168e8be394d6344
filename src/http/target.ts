import { RepriseError } from '../shared/errors.ts';

/** A request target in origin form (RFC 9112 §3.2.1), cut at the first `?`. */
export interface Target {
  /** As sent; starts with `/`. */
  readonly path: string;
  /** As sent, without `?`; empty if there is none. */
  readonly query: string;
}

/**
 * Reads a request target. Only origin form is taken, and no path that two servers could read differently: no empty
 * segment, and no backslash, dot segment or control character, plain or percent-encoded. An encoded slash is a
 * character of its segment (RFC 3986 §2.2), but may not stand where it could make a dot segment. Throws `invalid_request`.
 */
export function readTarget(url: string): Target {
  const mark = url.indexOf('?');
  const path = mark === -1 ? url : url.slice(0, mark);
  const query = mark === -1 ? '' : url.slice(mark + 1);
  const fault = faultOf(path, query);
  if (fault !== undefined) {
    throw new RepriseError(
      'invalid_request',
      `The request target ${JSON.stringify(url.slice(0, 120))} ${fault}.`,
      { param: 'path' },
    );
  }
  return { path, query };
}

function faultOf(path: string, query: string): string | undefined {
  if (!path.startsWith('/')) return 'is not in origin form: expected a path that starts with "/"';
  if (path.includes('//')) return 'has an empty path segment ("//")';
  if (/\\|%5c/i.test(path)) return 'has a backslash in its path';
  if (/[^\x21-\x7e]|%[01][0-9a-f]|%7f/i.test(path) || /[^\x21-\x7e]/.test(query)) {
    return 'has a control, space or non-ASCII character';
  }
  if (/%(?![0-9a-f]{2})/i.test(path)) return 'has a "%" that is no percent-encoding';
  if (/(?:\/|%2f)(?:\.|%2e){1,2}(?:\/|%2f|$)/i.test(path)) return 'has a dot segment in its path';
  if (path.includes('#') || query.includes('#')) return 'has a fragment ("#")';
  return undefined;
}
