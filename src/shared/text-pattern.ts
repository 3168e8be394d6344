import { RE2JS } from 're2js';

/** What {@link parseTextPattern} takes, in words for a message. */
export const TEXT_PATTERN_EXPECTED =
  'a regular expression in RE2 syntax (no lookahead, no backreferences) of moderate size, that does not match the empty text';

/** A match: the whole of it, then what each group took; undefined for a group that took no part. */
export type Match = readonly (string | undefined)[];

/** A regular expression for text from outside: to find one match takes time linear in the text (RE2). */
export interface TextPattern {
  /** How many groups it has. */
  readonly groups: number;
  /** How many instructions it is. What one search takes at most is proportional to this times the text's length. */
  readonly size: number;
  /**
   * Its matches that do not overlap, from left to right. To find all of them can take one search of the rest for each: it is
   * for the caller to stop.
   */
  matches(text: string): Iterable<Match>;
}

/** Reads a regular expression; undefined for what is none that can be used. */
export function parseTextPattern(source: string): TextPattern | undefined {
  const compiled = compile(source);
  // One that matches nothing would do so between any two characters.
  if (compiled === undefined || compiled.programSize() > MAX_SIZE || compiled.matches('')) return undefined;
  const groups = compiled.groupCount();
  return {
    groups,
    size: compiled.programSize(),
    *matches(text) {
      const matcher = compiled.matcher(text);
      while (matcher.find()) {
        yield Array.from({ length: groups + 1 }, (_, group) => matcher.group(group) ?? undefined);
      }
    },
  };
}

const MAX_LENGTH = 1000;
const MAX_SIZE = 2000;

function compile(source: string): RE2JS | undefined {
  if (source.length > MAX_LENGTH) return undefined;
  try {
    return RE2JS.compile(source);
  } catch {
    return undefined;
  }
}
