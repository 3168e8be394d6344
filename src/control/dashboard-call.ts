import { isNotModified, readCondition } from '../policy/condition.ts';
import { RepriseError } from '../shared/errors.ts';
import { behind, type ControlCall, controlCall } from './call.ts';
import { PAGE, type PageFile } from './page-files.ts';

/**
 * `GET /dashboard`, and its files below that. They say nothing of this installation but whether one has to sign in, so that the page
 * need not find out by being refused: all figures are fetched by the page, with the token.
 */
export function dashboardCall(files: ReadonlyMap<string, PageFile>, wantsToken: boolean): ControlCall {
  return controlCall('visitor', '/dashboard/*', {
    GET({ path, header }) {
      const name = behind(1, path);
      // The page names its files as seen from `/dashboard`, so that it also works below a reverse proxy's prefix.
      if (path.endsWith('/'))
        return new Response(null, { status: 308, headers: { location: '../dashboard' } });
      if (name === SIGN_IN) return Response.json({ required: wantsToken }, { headers: GUARDS });
      const file = files.get(name === '' ? PAGE : name);
      if (file === undefined) {
        throw new RepriseError('not_found', `The dashboard has no file ${path.slice(0, 200)}.`);
      }
      const headers = { ...GUARDS, 'content-type': file.type, etag: file.etag };
      const condition = readCondition(header);
      return condition !== undefined && isNotModified(condition, Object.entries(headers))
        ? new Response(null, { status: 304, headers })
        : new Response(file.body, { headers });
    },
  });
}

/** What the page asks before it signs in. */
const SIGN_IN = 'sign-in.json';

/**
 * What keeps the page to itself: it runs only the files above and talks only to where it comes from, whatever text an entry
 * or a model's name puts into it, and no other page can frame it or read it.
 */
const GUARDS = {
  'content-security-policy': [
    "default-src 'none'",
    ...['script-src', 'style-src', 'connect-src', 'img-src'].map((kind) => `${kind} 'self'`),
    ...['base-uri', 'form-action', 'frame-ancestors'].map((kind) => `${kind} 'none'`),
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  // Kept, and asked for each time: after an upgrade nobody sees an old page.
  'cache-control': 'no-cache',
} as const;
