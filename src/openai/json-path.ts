import { JSONPathEnvironment, type JSONValue } from 'json-p3';

/** What {@link compileJsonPath} takes, in words for a message. */
export const JSON_PATH_EXPECTED = 'a JSONPath (RFC 9535) without match() and search(), such as $.data.id';

/** A JSONPath, ready to be asked of any number of values. */
export interface JsonPath {
  /** What it selects of a JSON value, in order; nothing where it cannot be carried through. Never throws. */
  values(json: unknown): unknown[];
}

/** Reads a JSONPath; undefined for what is none. */
export function compileJsonPath(text: string): JsonPath | undefined {
  const environment = new JSONPathEnvironment();
  // Both hand their patterns to a backtracking engine, which a hostile text can keep busy for ever.
  environment.functionRegister.delete('match');
  environment.functionRegister.delete('search');
  try {
    const query = environment.compile(text);
    return { values: (json) => valuesOf(() => query.query(json as JSONValue).values()) };
  } catch {
    return undefined;
  }
}

function valuesOf(run: () => unknown[]): unknown[] {
  try {
    return run();
  } catch {
    return [];
  }
}
