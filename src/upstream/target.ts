/**
 * The upstream's path and query for a request's: put together from bytes, never resolved, so that what was checked is
 * what is sent. `/v1/X` goes to `{base}/X`, any other path to the base URL's origin plus the path.
 */
export function join(baseUrl: string, path: string, query: string): string {
  const there = path === '/v1' || path.startsWith('/v1/') ? basePath(baseUrl) + path.slice(3) : path;
  return withQuery(there === '' ? '/' : there, query);
}

/** The upstream's path and query for a route's: below the base URL's own path. */
export function joinBelow(baseUrl: string, path: string, query: string): string {
  return withQuery(basePath(baseUrl) + path, query);
}

/** The path of a base URL, without a trailing slash: `/v1` of `https://api.openai.com/v1`, empty if it has none. */
function basePath(baseUrl: string): string {
  const start = baseUrl.indexOf('/', baseUrl.indexOf('://') + 3);
  return start === -1 ? '' : baseUrl.slice(start).replace(/\/$/, '');
}

function withQuery(path: string, query: string): string {
  return query === '' ? path : `${path}?${query}`;
}
