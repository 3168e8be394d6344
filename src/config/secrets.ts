import type { Path } from './tree.ts';

/** The environment variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Gives a text that may be shown for a value at `path`: whatever looks like a secret is replaced by `***`. */
export type Mask = (path: Path, value: string) => string;

/** A {@link Mask} that also knows the values of the environment's secrets, wherever they went. */
export function maskFor(env: Environment): Mask {
  const secrets = Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && value.length >= SHORTEST_SECRET && SECRET_NAME.test(name) ? [value] : [],
  );
  // A secret that contains another one goes first, or its rest would stay.
  secrets.sort((one, other) => other.length - one.length);
  return (path, value) => {
    // That there is none is no secret.
    if (isSecret(path)) return value === '' ? value : HIDDEN;
    let shown = value;
    for (const secret of secrets) shown = shown.replaceAll(secret, HIDDEN);
    for (const [pattern, replacement] of SECRET_TEXTS) shown = shown.replace(pattern, replacement);
    return shown;
  };
}

/** What is shown in the place of a secret. */
export const HIDDEN = '***';

/** Whether what stands at `path` is a secret, by its name. */
export function isSecret(path: Path): boolean {
  return SECRET_NAME.test(nameOf(path)) && path.join('.') !== KEY_FILE;
}

// Shorter values are more likely to be ordinary words, which would then vanish from unrelated texts.
const SHORTEST_SECRET = 8;

const SECRET_NAME =
  /(?:^|[_-])(?:(?:api)?keys?|tokens?|secrets?|password|passwd|passphrase|credentials?|authorization)$/i;

// Where a key is, and not what it is.
const KEY_FILE = 'server.tls.key';

const SECRET_TEXTS: readonly (readonly [RegExp, string])[] = [
  [/\/\/[^/\s]*@/g, `//${HIDDEN}@`],
  [/([?&][^=&\s]*=)[^&#\s]+/g, `$1${HIDDEN}`],
  [/\b((?:sk|pk|rk)[-_])[\w-]{8,}/g, `$1${HIDDEN}`],
  [/\b(Bearer\s+)\S+/gi, `$1${HIDDEN}`],
];

/** The innermost key of a path: an item of a list is called what its list is called. */
function nameOf(path: Path): string {
  return path.findLast((step): step is string => typeof step === 'string') ?? '';
}
