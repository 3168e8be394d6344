import type { Question } from '../observe/events.ts';
import { shapingHeaders } from '../policy/shaping.ts';
import type { FetchWork } from './fetch-work.ts';

/** What a fetch asks upstream, by what makes its keys. */
export function questionOf({
  plan,
  asked,
  keys,
  caller,
  realm,
  upstream,
  path,
  method,
  headers,
}: FetchWork): Question {
  const [place = '', query = ''] = path.split(/\?(.*)/s, 2);
  const [, namespace = ''] = keys[0]?.shown.split('/', 2) ?? [];
  return {
    circle: JSON.stringify([caller.asker, realm, namespace, method, place]),
    // Only of its own endpoints a profile says what of the query and the headers is keyed.
    isRoute: plan.shaping !== undefined,
    query: plan.shaping?.query ?? query,
    headers: plan.shaping?.headers ?? shapingHeaders(upstream.dialect, pairsOf(headers)),
    content: plan.parts[asked[0] ?? 0]?.content ?? '',
  };
}

/** Name and value pairs with lower-case names, from name, value, name, value …. */
function pairsOf(flat: readonly string[]): [string, string][] {
  return flat.flatMap((name, at) => (at % 2 === 0 ? [[name.toLowerCase(), flat[at + 1] ?? '']] : []));
}
