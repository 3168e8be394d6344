import type { HeaderOf } from './access.ts';

/** What a caller has already: a validator of its copy (RFC 9110 §13.1). */
export interface Condition {
  readonly header: 'if-none-match' | 'if-modified-since';
  readonly value: string;
}

/** The condition in a request's headers; undefined if there is none. With an entity tag the date counts for nothing (§13.2.2). */
export function readCondition(header: HeaderOf): Condition | undefined {
  for (const name of ['if-none-match', 'if-modified-since'] as const) {
    const value = header(name);
    if (value !== undefined) return { header: name, value };
  }
  return undefined;
}

/** Whether the caller's copy is as good as an answer with these headers: it then gets 304 and no body. */
export function isNotModified(
  condition: Condition,
  headers: readonly (readonly [name: string, value: string])[],
): boolean {
  const validator = (name: string) => headers.find(([known]) => known === name)?.[1];
  if (condition.header === 'if-modified-since') {
    return Date.parse(validator('last-modified') ?? '') <= Date.parse(condition.value);
  }
  if (condition.value.trim() === '*') return true;
  const etag = validator('etag');
  return etag !== undefined && tagsIn(condition.value).includes(weak(etag));
}

/** An entity tag may hold a comma (RFC 9110 §8.8.3). */
function tagsIn(list: string): string[] {
  return (list.match(/(?:W\/)?"[^"]*"/g) ?? []).map(weak);
}

/** Tags are compared weakly (RFC 9110 §13.1.2). */
function weak(etag: string): string {
  return etag.trim().replace(/^W\//, '');
}
