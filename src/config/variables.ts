import type { Environment } from './secrets.ts';

/** A text whose variables have been put in, and what was wrong with it. */
export interface Interpolation {
  readonly text: string;
  readonly mistakes: readonly { readonly got: string; readonly expected: string }[];
}

/**
 * Puts environment variables into `text`: `${NAME}`, and `${NAME:-default}` where the variable may be absent or empty.
 * `$${` gives a plain `${`. A value that is put in is not read again.
 */
export function interpolate(text: string, env: Environment): Interpolation {
  const mistakes: { got: string; expected: string }[] = [];
  const result = text.replace(REFERENCE, (reference, inner: string | undefined) => {
    if (reference === '$${') return '${';
    const [, name, fallback] = INNER.exec(inner ?? '') ?? [];
    if (name === undefined) {
      mistakes.push({
        got: JSON.stringify(reference),
        expected: `\${NAME} or \${NAME:-default}; $\${ for a plain \${`,
      });
      return reference;
    }
    const value = Object.hasOwn(env, name) ? env[name] : undefined;
    if (fallback !== undefined) return value === undefined || value === '' ? fallback : value;
    if (value !== undefined) return value;
    mistakes.push({
      got: `\${${name}}, which is not set`,
      expected: `the environment variable ${name}, or a default: \${${name}:-default}`,
    });
    return reference;
  });
  return { text: result, mistakes };
}

// An unclosed `${` is taken to the end of the text, where INNER refuses it.
const REFERENCE = /\$\$\{|\$\{([^}]*\})?/g;
const INNER = /^([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}$/;
