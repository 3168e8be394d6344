import { cacheDirectives, readSeconds } from './cache-control.ts';
import type { LifetimePolicy } from './lifetime.ts';

/** What an upstream's headers say of storing its answer in a cache that several callers share. */
export type UpstreamSays =
  | { readonly kind: 'store'; readonly lifetime: Lifetime | undefined }
  | { readonly kind: 'personal'; readonly reason: string };

/** In milliseconds; `ttl` counts from when the answer was made, `age` before it came. What is not said is not there. */
type Lifetime = Partial<Pick<LifetimePolicy, 'ttl' | 'stale_while_revalidate' | 'stale_if_error'>> & {
  readonly age: number;
};

type Headers = readonly (readonly [name: string, value: string])[];

/**
 * Whether an answer may be shared at all: never with `set-cookie`, `cache-control: private` or `no-store`, or a `vary`
 * that names a header outside the key (RFC 9111 §3, §4.1). With `respect`, its freshness too is the upstream's to say
 * (RFC 9111 §4.2.1 for a shared cache, RFC 5861): `lifetime` is that, and the age of the answer when it came.
 * `keyed` are the lower-case names of the headers in the key.
 */
export function upstreamSays(headers: Headers, keyed: readonly string[], respect: boolean): UpstreamSays {
  const directives = readDirectives(headers);
  if (valuesOf(headers, 'set-cookie').length > 0) return { kind: 'personal', reason: 'set-cookie' };
  for (const word of ['no-store', 'private']) {
    if (directives.has(word)) return { kind: 'personal', reason: `upstream-${word}` };
  }
  for (const name of valuesOf(headers, 'vary').flatMap((value) => value.toLowerCase().split(','))) {
    const varied = name.trim();
    // The upstream is always asked for identity, whatever the client takes.
    if (varied !== '' && varied !== 'accept-encoding' && !keyed.includes(varied)) {
      return { kind: 'personal', reason: 'vary' };
    }
  }
  if (!respect) return { kind: 'store', lifetime: undefined };
  if (directives.has('no-cache')) return { kind: 'personal', reason: 'upstream-no-cache' };
  return { kind: 'store', lifetime: lifetimeSaid(headers, directives) };
}

function lifetimeSaid(headers: Headers, directives: ReadonlyMap<string, string>): Lifetime {
  const time = (name: string) => {
    const argument = directives.get(name);
    return argument === undefined ? undefined : (readSeconds(argument) ?? 0);
  };
  const life = time('s-maxage') ?? time('max-age') ?? expiresIn(headers);
  const strict = ['must-revalidate', 'proxy-revalidate', 's-maxage'].some((word) => directives.has(word));
  const stale = {
    stale_while_revalidate: strict ? 0 : (time('stale-while-revalidate') ?? 0),
    stale_if_error: strict ? 0 : (time('stale-if-error') ?? 0),
  };
  const age = ageOf(headers);
  if (life !== undefined) return { age, ttl: life, ...stale };
  return strict ? { age, ...stale } : { age };
}

// RFC 9111 §5.1: of several ages the first counts, and one that cannot be read is none.
function ageOf(headers: Headers): number {
  const [age = ''] = valuesOf(headers, 'age').flatMap((value) => value.split(','));
  return readSeconds(age.trim()) ?? 0;
}

// RFC 9111 §4.2.1 and §5.3: Expires minus Date; an Expires that is no date means "already expired".
function expiresIn(headers: Headers): number | undefined {
  const [expires] = valuesOf(headers, 'expires');
  if (expires === undefined) return undefined;
  const life = readDate(expires) - readDate(valuesOf(headers, 'date')[0] ?? '');
  return Number.isNaN(life) ? 0 : Math.max(0, life);
}

// RFC 9110 §5.6.7: the preferred form and the two obsolete ones, of which asctime names no zone and means UTC. `Date.parse`
// takes much more, such as `3600` for a year.
const HTTP_DATE = /^[A-Z][a-z]{2,8},? [\w -]+ \d\d:\d\d:\d\d (?:GMT|\d{4})$/;

/** Milliseconds since the epoch; NaN for what is no date. */
function readDate(text: string): number {
  if (!HTTP_DATE.test(text)) return Number.NaN;
  return Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
}

// Of a directive given twice the first counts (RFC 9111 §4.2.1).
function readDirectives(headers: Headers): ReadonlyMap<string, string> {
  const directives = new Map<string, string>();
  for (const [name, argument = ''] of valuesOf(headers, 'cache-control').flatMap(cacheDirectives)) {
    if (!directives.has(name)) directives.set(name, argument);
  }
  return directives;
}

function valuesOf(headers: Headers, name: string): string[] {
  return headers.filter(([header]) => header === name).map(([, value]) => value);
}
