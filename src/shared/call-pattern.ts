import { parseGlob } from './glob.ts';
import { decode } from './path-pattern.ts';

/** What {@link parseCallPattern} takes, in words for a message. */
export const CALL_PATTERN_EXPECTED = 'a method, or *, and a path pattern, such as "GET /v1/files/*"';

/** Tells whether a request is one of those meant; `path` as sent, without the query. */
export type CallPattern = (method: string, path: string) => boolean;

/** Reads a pattern such as `GET /v1/files/*`; undefined for what is none. */
export function parseCallPattern(text: string): CallPattern | undefined {
  const [, method, path = ''] = /^(\*|[A-Z]{1,20}) (\/\S*)$/.exec(text) ?? [];
  const glob = method === undefined ? undefined : parseGlob(path);
  if (glob === undefined) return undefined;
  return (asked, sent) => {
    // As a server may read it: an encoded slash must not make one segment of two.
    const decoded = decode(sent);
    return (method === '*' || method === asked) && decoded !== undefined && glob(decoded);
  };
}

/** A pattern that is known to be one. */
export function mustParseCallPattern(text: string): CallPattern {
  const pattern = parseCallPattern(text);
  if (pattern === undefined) throw new Error(`${text} is no pattern of calls`);
  return pattern;
}
