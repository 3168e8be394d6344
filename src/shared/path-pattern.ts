/** What {@link parsePattern} takes, in words for a message. */
export const PATTERN_EXPECTED =
  'a path from / without query, whose segments are literal or one {name} each, such as /products/{id}';

/** One segment of a path pattern: its exact text, or a variable that stands for any one segment. */
export type Segment = { readonly literal: string } | { readonly variable: string };

/** The segments of a path pattern such as `/products/{id}`, or undefined if it is none. */
export function parsePattern(pattern: string): readonly Segment[] | undefined {
  if (!pattern.startsWith('/')) return undefined;
  const segments: Segment[] = [];
  const texts = pattern.slice(1).split('/');
  for (const [index, text] of texts.entries()) {
    const segment = parseSegment(text, index === texts.length - 1);
    if (segment === undefined) return undefined;
    segments.push(segment);
  }
  const names = variablesOf(segments);
  return new Set(names).size === names.length ? segments : undefined;
}

/** The segments of a pattern that is known to be one. */
export function mustParsePattern(pattern: string): readonly Segment[] {
  const segments = parsePattern(pattern);
  if (segments === undefined) throw new Error(`${pattern} is no path pattern`);
  return segments;
}

/**
 * The variables of `path`, percent-decoded, if the pattern matches it as a whole; undefined if not, and where a variable
 * is empty or no valid UTF-8.
 */
export function matchPath(
  segments: readonly Segment[],
  path: string,
): ReadonlyMap<string, string> | undefined {
  const parts = path.slice(1).split('/');
  if (parts.length !== segments.length) return undefined;
  const variables = new Map<string, string>();
  for (const [index, segment] of segments.entries()) {
    const part = parts[index] ?? '';
    if ('literal' in segment) {
      if (segment.literal !== part) return undefined;
      continue;
    }
    const value = decode(part);
    if (value === undefined || value === '') return undefined;
    variables.set(segment.variable, value);
  }
  return variables;
}

/** The path that a pattern makes of variables, which are percent-encoded. */
export function fillPath(segments: readonly Segment[], variables: ReadonlyMap<string, string>): string {
  const parts = segments.map((segment) =>
    'literal' in segment ? segment.literal : encodeURIComponent(variables.get(segment.variable) ?? ''),
  );
  return `/${parts.join('/')}`;
}

/** A pattern as it was written. */
export function formatPattern(segments: readonly Segment[]): string {
  return `/${segments.map((segment) => ('literal' in segment ? segment.literal : `{${segment.variable}}`)).join('/')}`;
}

/** The names of a pattern's variables, in order. */
export function variablesOf(segments: readonly Segment[]): readonly string[] {
  return segments.flatMap((segment) => ('variable' in segment ? [segment.variable] : []));
}

/**
 * How two patterns stand to each other: `apart` no path matches both; `ordered` one is more specific than the other,
 * segment by segment, and wins where both match; `ambiguous` a path can match both and neither is more specific.
 */
export function comparePatterns(
  one: readonly Segment[],
  other: readonly Segment[],
): 'apart' | 'ordered' | 'ambiguous' {
  if (one.length !== other.length) return 'apart';
  let oneLeads = false;
  let otherLeads = false;
  for (const [index, left] of one.entries()) {
    const right = other[index];
    if (right === undefined) continue;
    const leftFixed = 'literal' in left;
    const rightFixed = 'literal' in right;
    if (leftFixed && rightFixed && left.literal !== right.literal) return 'apart';
    if (leftFixed && !rightFixed) oneLeads = true;
    if (rightFixed && !leftFixed) otherLeads = true;
  }
  return oneLeads === otherLeads ? 'ambiguous' : 'ordered';
}

// RFC 3986 §3.3 `segment`. Dot segments never reach a route: such targets are refused before.
const LITERAL = /^(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+$/;
const VARIABLE = /^\{([A-Za-z_][A-Za-z0-9_]*)\}$/;

function parseSegment(text: string, isLast: boolean): Segment | undefined {
  const variable = VARIABLE.exec(text)?.[1];
  if (variable !== undefined) return { variable };
  if (text === '.' || text === '..') return undefined;
  const isLiteral = LITERAL.test(text) || (text === '' && isLast);
  return isLiteral ? { literal: text } : undefined;
}

/** A text, percent-decoded; undefined for one that is not UTF-8 then. */
export function decode(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}
