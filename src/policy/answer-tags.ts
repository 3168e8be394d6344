import { parseSurrogateKey, parseTagHeader } from '../shared/tag.ts';
import { parseStringList } from './structured-list.ts';
import type { TagCollector } from './tags.ts';

/** Headers, lower-case names; several lines of one name stand as several pairs. */
export type Headers = readonly (readonly [name: string, value: string])[];

/**
 * The tags that an upstream gives its answer, as it gives them to a CDN: `cache-tag` (Cloudflare; between commas),
 * `surrogate-key` (Fastly, Varnish; between blanks) and `cache-groups` (RFC 9875; a list of strings).
 */
export function collectAnswerTags(headers: Headers, into: TagCollector): void {
  const groups: string[] = [];
  for (const [name, value] of headers) {
    if (name === 'cache-tag') into.addAll(parseTagHeader(value));
    else if (name === 'surrogate-key') into.addAll(parseSurrogateKey(value));
    // Several lines are one list (RFC 8941 §4.2).
    else if (name === 'cache-groups') groups.push(value);
  }
  if (groups.length > 0) into.addAll(parseStringList(groups.join(',')));
}
