import type { Question } from '../observe/events.ts';
import { shapingHeaders } from '../policy/shaping.ts';
import type { FetchWork } from './fetch-work.ts';
import { headerPairs } from './of-head.ts';

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
    headers: plan.shaping?.headers ?? shapingHeaders(upstream.dialect, headerPairs(headers)),
    content: plan.parts[asked[0] ?? 0]?.content ?? '',
  };
}
