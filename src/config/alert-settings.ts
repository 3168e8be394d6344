import * as z from 'zod';
import { section } from './fields.ts';

/** The section `alerts`: who is told of them. */
export function alerts() {
  return section({
    url: address()
      .optional()
      .describe(
        'Where alerts are POSTed when they are raised and when they are cleared, signed as Standard Webhooks are. Nowhere if absent.',
      ),
    secret: secret()
      .optional()
      .describe('The secret that they are signed with: whsec_ and 24 to 64 bytes in base64.'),
  })
    .prefault({})
    .describe('Where alerts go, beside the log, the dashboard and the metrics.');
}

const SECRET_EXPECTED =
  'whsec_ and 24 to 64 bytes in base64, such as from: echo "whsec_$(openssl rand -base64 32)"';

function secret() {
  return z
    .string({ error: SECRET_EXPECTED })
    .refine(isSecret, { error: SECRET_EXPECTED })
    .meta({ pattern: '^whsec_[A-Za-z0-9+/]{31,86}={0,2}$' });
}

function isSecret(text: string): boolean {
  const encoded = text.replace(/^whsec_/, '');
  const bytes = Buffer.from(encoded, 'base64');
  const isWhole = encoded !== text && bytes.toString('base64') === encoded;
  return isWhole && bytes.length >= 24 && bytes.length <= 64;
}

const ADDRESS_EXPECTED =
  'an http or https URL without credentials and fragment, such as https://ops.example/hooks';

function address() {
  return z
    .string({ error: ADDRESS_EXPECTED })
    .refine((url) => ADDRESS.test(url) && URL.canParse(url), { error: ADDRESS_EXPECTED })
    .meta({ format: 'uri', pattern: '^[Hh][Tt][Tt][Pp][Ss]?://[^@#]+$' });
}

// `new URL` drops blanks and turns a backslash into a slash: what is sent would not be what is read.
const ADDRESS = /^https?:\/\/[^\s\\@?#/]+(?:[/?][^\s\\#]*)?$/i;
