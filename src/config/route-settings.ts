import * as z from 'zod';
import { PATTERN_EXPECTED, parsePattern } from '../shared/path-pattern.ts';
import { list, section, text, toggle } from './fields.ts';
import { tags } from './tag-settings.ts';

/** One of the user's own endpoints. */
export type RouteSettings = z.output<typeof route>;

/** What a name of the user's own looks like: it stands in paths, keys and figures. */
export const NAME_PATTERN = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;

/** {@link NAME_PATTERN} in words. */
export const NAME_EXPECTED = 'a name of at most 64 letters, digits, _ and -, a letter first';

/** The section `routes`, in file order. */
export function routes() {
  return list(route, 'a list of routes')
    .prefault([])
    .describe("Your own endpoints (a search engine, a product service), cached beside the API's.");
}

const METHODS = ['GET', 'POST'] as const;
const METHOD_EXPECTED = 'GET, POST or a list of them';

/** The methods of a route. */
export const methodField = z
  .codec(
    z.union(
      [
        z.enum(METHODS, { error: METHOD_EXPECTED }),
        z.array(z.enum(METHODS, { error: METHOD_EXPECTED })).min(1, { error: METHOD_EXPECTED }),
      ],
      { error: METHOD_EXPECTED },
    ),
    z.custom<readonly (typeof METHODS)[number][]>(Array.isArray),
    {
      decode: (given) => (typeof given === 'string' ? [given] : [...new Set(given)]),
      encode: (methods) => [...methods],
    },
  )
  .describe('GET, POST or a list of them.');

/** What a header's name is (RFC 9110 §5.6.2). */
export const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;

/** A header of a request, in lower case. */
export const headerName = text('a header name', HEADER_NAME).overwrite((name) => name.toLowerCase());

const route = section({
  name: text(NAME_EXPECTED, NAME_PATTERN).describe('Its name in keys and figures.'),
  match: section({
    method: methodField,
    path: pattern().describe('Its path; {name} stands for one segment.'),
  }).describe('Which requests it answers.'),
  type: text('the name of a type').describe('The policy of its entries: a name under types.'),
  upstream: text('the name of an upstream').describe('Where its calls go: a name under upstreams.'),
  rewrite: pattern()
    .optional()
    .describe(
      "The path at the upstream, after its base_url, with the path's {names}. The request's own if absent.",
    ),
  key: section({
    query: oneOrOther(
      z.literal('*'),
      list(text('a query parameter'), ''),
      '"*" or a list of query parameters',
    )
      .prefault('*')
      .describe('The query parameters that shape the answer. "*" is every one.'),
    headers: list(headerName, 'a list of header names')
      .prefault([])
      .describe('The request headers that shape the answer.'),
    body: oneOrOther(
      toggle(),
      list(text('a field of the body'), ''),
      'true, false or a list of fields of a JSON body',
    )
      .prefault(true)
      .describe('Whether the body shapes the answer, or the top-level fields of a JSON body that do.'),
  })
    .prefault({})
    .describe('What of a request, beside its path, makes its answer different.'),
  tags: tags().describe('Rules for the tags of its entries, beside those of its type: see Tags.'),
  respect_upstream: toggle()
    .prefault(false)
    .describe("Whether the upstream's Cache-Control decides, by RFC 9111 for a shared cache."),
});

function pattern() {
  return z
    .string({ error: PATTERN_EXPECTED })
    .refine((path) => parsePattern(path) !== undefined, { error: PATTERN_EXPECTED })
    .meta({ pattern: '^/' });
}

function oneOrOther<One extends z.ZodType, Other extends z.ZodType>(one: One, other: Other, error: string) {
  return z.union([one, other], { error });
}
