/** One directive: its lower-case name, and its argument without quotes or undefined if it has none. */
export type CacheDirective = readonly [name: string, argument: string | undefined];

/** The directives of a `cache-control` value, in order (RFC 9111 §5.2). A comma within quotes separates nothing. */
export function cacheDirectives(value: string): CacheDirective[] {
  return (value.match(MEMBER) ?? []).map((member) => {
    const equals = member.indexOf('=');
    if (equals === -1) return [member.trim().toLowerCase(), undefined];
    const argument = member
      .slice(equals + 1)
      .trim()
      .replace(/^"(.*)"$/, '$1');
    return [member.slice(0, equals).trim().toLowerCase(), argument];
  });
}

/**
 * Milliseconds of an argument in whole seconds; undefined for anything else. What is larger than 2^31 seconds counts as
 * that many (RFC 9111 §1.2.2).
 */
export function readSeconds(argument: string | undefined): number | undefined {
  if (argument === undefined || !/^\d+$/.test(argument)) return undefined;
  return Math.min(Number(argument), 2 ** 31) * 1000;
}

// A quote that is never closed is an ordinary character, so that it hides no directive after it.
const MEMBER = /(?:"[^"]*"|[^,])+/g;
