import * as z from 'zod';
import { SCHEME_NAMES } from '../invalidation/schemes/names.ts';
import { SIGNED_EXPECTED, signedPieces } from '../invalidation/schemes/signed-text.ts';
import { JSON_PATH_EXPECTED, parseJsonPath } from '../openai/json-path.ts';
import { GLOB_EXPECTED, parseGlob } from '../shared/glob.ts';
import { parseTagTemplate, TAG_TEMPLATE_EXPECTED } from '../shared/tag-template.ts';
import { choice, duration, list, named, section, text } from './fields.ts';
import { headerName } from './route-settings.ts';

/** Where a system reports changes to, how it proves who it is, and what its events mean. */
export type WebhookSettings = z.output<typeof webhook>;

/** The section `webhooks`, by name. */
export function webhooks() {
  return named<WebhookSettings>({}, webhook).describe(
    'Where other systems report changes to, by name: POST /webhooks/NAME. Each has its own secret and no other right.',
  );
}

const SECRET_EXPECTED = 'a secret or a list of secrets';

const secret = z.codec(
  z.union([z.string({ error: SECRET_EXPECTED }), z.array(z.string({ error: SECRET_EXPECTED }))], {
    error: SECRET_EXPECTED,
  }),
  z.custom<readonly string[]>(Array.isArray),
  {
    // An empty one is a variable that is not set, such as the old secret's when there is none.
    decode: (given) => [given].flat().filter((one) => one !== ''),
    encode: (secrets) => [...secrets],
  },
);

const jsonPath = z
  .string({ error: JSON_PATH_EXPECTED })
  .refine((path) => parseJsonPath(path) !== undefined, { error: JSON_PATH_EXPECTED })
  .meta({ pattern: '^\\$' });

const glob = z
  .string({ error: GLOB_EXPECTED })
  .min(1, { error: GLOB_EXPECTED })
  .refine((pattern) => parseGlob(pattern) !== undefined, { error: GLOB_EXPECTED });

const ISSUER_EXPECTED = 'an http or https origin, such as https://shop.saleor.cloud';

const rule = section({
  event: glob.describe(
    'Which events it is for: a glob over the event\'s name, such as products/*. "**" is every one.',
  ),
  tags: list(
    section({
      tag: z
        .string({ error: TAG_TEMPLATE_EXPECTED })
        .refine((tag) => parseTagTemplate(tag) !== undefined, { error: TAG_TEMPLATE_EXPECTED })
        .describe('The tag. {value} stands for each value that json finds.'),
      json: jsonPath.optional().describe('Where the values stand in the payload: a JSONPath (RFC 9535).'),
    }),
    'a list of tags',
  )
    .prefault([])
    .describe('Entries with any of these tags.'),
  type: oneOrMore(text('the name of a type'), 'the name of a type or a list of them').describe(
    'Entries of this type, or of any of a list.',
  ),
  namespace: oneOrMore(text('a namespace'), 'a namespace or a list of them').describe(
    'Entries of this namespace, or of any of a list.',
  ),
  pattern: oneOrMore(glob, 'a pattern or a list of them').describe(
    'Entries whose key, as x-cache-key shows it, is like this glob, or any of a list.',
  ),
  model: oneOrMore(text('the name of a model or a route'), 'a model, a route or a list of them').describe(
    'Entries of this model or route, or of any of a list.',
  ),
  mode: choice(['purge', 'expire'])
    .prefault('purge')
    .describe(
      'What becomes of entries that fulfil all that is said above. purge: they are never served again. expire: only when the upstream fails.',
    ),
});

const webhook = section({
  scheme: choice(SCHEME_NAMES).describe('How deliveries are signed.'),
  secret: secret
    .prefault([])
    .describe('The secret, or a list of which any may have signed. Empty ones do not count.'),
  issuer: z
    .string({ error: ISSUER_EXPECTED })
    .refine(isOrigin, { error: ISSUER_EXPECTED })
    .meta({ pattern: '^[Hh][Tt][Tt][Pp][Ss]?://[^@?#]+$' })
    .optional()
    .describe(
      'With scheme saleor and no secret: the origin whose /.well-known/jwks.json holds the keys of signatures.',
    ),
  header: headerName
    .optional()
    .describe('hmac, bearer: the header with the signature or token. For bearer authorization if absent.'),
  prefix: text('a text', /^[\x20-\x7e]*$/)
    .optional()
    .describe('hmac, bearer: what stands in the header before it, such as "sha256=".'),
  encoding: choice(['hex', 'base64'])
    .optional()
    .describe('hmac: how the signature is written. hex if absent.'),
  algorithm: choice(['sha256', 'sha512']).optional().describe('hmac: its hash. sha256 if absent.'),
  signed: z
    .string({ error: SIGNED_EXPECTED })
    .refine((template) => signedPieces(template) !== undefined, { error: SIGNED_EXPECTED })
    .meta({ pattern: '\\{body\\}' })
    .optional()
    .describe('hmac: what is signed, with {body}, {timestamp} and {id}. "{body}" if absent.'),
  timestamp: section({
    header: headerName.describe(
      'The header with the time of sending, in seconds or milliseconds since 1970.',
    ),
    tolerance: duration('positive').prefault('5m').describe('Duration that it may be from now.'),
  })
    .optional()
    .describe('hmac: the signed time of sending.'),
  event: place('the name of the event')
    .optional()
    .describe('hmac, bearer: where the event is named. If absent there is one, without a name.'),
  id: place("the sender's id of the delivery")
    .optional()
    .describe('hmac, bearer: where the delivery is told from others. If absent repeats are not recognised.'),
  rules: list(rule, 'a list of rules').describe(
    'What its events mean. Each rule whose event fits is applied.',
  ),
});

/** Where a delivery says something of itself. */
function place(what: string) {
  return section({
    header: headerName.optional().describe(`The header with ${what}.`),
    json: jsonPath.optional().describe(`The JSONPath to ${what} in the payload.`),
  });
}

function oneOrMore(item: z.ZodType<string, string>, error: string) {
  return z
    .codec(z.union([item, z.array(item)], { error }), z.custom<readonly string[]>(Array.isArray), {
      decode: (given) => [...new Set([given].flat())],
      encode: (values) => [...values],
    })
    .prefault([]);
}

function isOrigin(url: string): boolean {
  if (!/^https?:\/\/[^\s\\@?#/]+\/?$/i.test(url)) return false;
  return URL.canParse(url);
}
