/** A path pattern such as `/catalog/products/{id}`, ready to match. */
export interface PathPattern {
  readonly segments: readonly { readonly literal: string | undefined; readonly name: string }[];
}

/** Compiles a pattern: literal segments, and `{name}` for exactly one segment. */
export function compilePath(pattern: string): PathPattern {
  return {
    segments: pattern.split('/').map((segment) => {
      const variable = /^\{([^{}]+)\}$/.exec(segment);
      return { literal: variable === null ? segment : undefined, name: variable?.[1] ?? '' };
    }),
  };
}

/**
 * The variables of `path`, percent-decoded, if the pattern matches it as a whole; undefined if not, and where a
 * variable is empty or no valid UTF-8.
 */
export function matchPath({ segments }: PathPattern, path: string): ReadonlyMap<string, string> | undefined {
  const parts = path.split('/');
  if (parts.length !== segments.length) return undefined;
  const variables = new Map<string, string>();
  for (const [index, { literal, name }] of segments.entries()) {
    const part = parts[index] ?? '';
    if (literal !== undefined) {
      if (literal !== part) return undefined;
      continue;
    }
    const value = decode(part);
    if (value === undefined || value === '') return undefined;
    variables.set(name, value);
  }
  return variables;
}

function decode(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

/** A pattern as a path, its variables percent-encoded. */
export function fillPath(pattern: string, variables: ReadonlyMap<string, string>): string {
  return compilePath(pattern)
    .segments.map(({ literal, name }) => literal ?? encodeURIComponent(variables.get(name) ?? ''))
    .join('/');
}
