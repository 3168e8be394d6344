import * as z from 'zod';
import { HASH_PATTERN } from '../policy/client-key.ts';
import { CALL_PATTERN_EXPECTED, parseCallPattern } from '../shared/call-pattern.ts';
import { choice, duration, list, rate, section, text, toggle } from './fields.ts';
import { NAME_EXPECTED, NAME_PATTERN } from './route-settings.ts';

/** The values of `access.share` that go with each `access.mode`; the first is what it is if not said. */
export const SHARES = {
  passthrough: ['credential', 'verified'],
  gateway: ['tenant', 'all'],
} as const;

/** The section `access`. */
export function access() {
  const written = section({
    mode: choice(['passthrough', 'gateway'])
      .prefault('passthrough')
      .describe(
        "Whose keys clients hold. passthrough: the upstream's, which are passed on. gateway: ones issued here; the upstream's is the operator's own.",
      ),
    share: choice(['credential', 'verified', 'tenant', 'all'])
      .optional()
      .describe(
        'Who shares entries. passthrough: credential, only calls with the same credential, organization and project, which is the default; verified, also others that the upstream has lately taken. gateway: tenant, keys of one tenant, which is the default; all.',
      ),
    verify_ttl: duration('positive')
      .prefault('5m')
      .describe('With share verified: duration for which an answer of the upstream verifies a credential.'),
    keys: list(key, 'a list of keys')
      .prefault([])
      .describe('The keys issued to clients: see reprise key new.'),
  });
  return z
    .codec(
      written,
      z.custom<Resolved<z.output<typeof written>>>((it) => typeof it === 'object'),
      {
        decode: (given) => ({ ...given, share: given.share ?? SHARES[given.mode][0] }),
        encode: (settings) => settings,
      },
    )
    .prefault({})
    .describe('Who may see what.');
}

type Share = (typeof SHARES)[keyof typeof SHARES][number];

type Resolved<Written> = Readonly<Omit<Written, 'share'> & { share: Share }>;

const allowed = z
  .string({ error: CALL_PATTERN_EXPECTED })
  .refine((given) => parseCallPattern(given) !== undefined, { error: CALL_PATTERN_EXPECTED });

const key = section({
  name: text(NAME_EXPECTED, NAME_PATTERN).describe('Its name in messages and figures.'),
  hash: text('the hash that reprise key new prints: sha256: and 43 characters', HASH_PATTERN).describe(
    'What reprise key new prints beside the key.',
  ),
  tenant: text(NAME_EXPECTED, NAME_PATTERN)
    .optional()
    .describe(
      'Whose it is: with share tenant, keys of one tenant share entries. If absent it shares with none.',
    ),
  rate: rate()
    .optional()
    .describe('How many calls it may make, hits included, such as 600/m. Unlimited if absent.'),
  allow: list(allowed, 'a list of calls')
    .prefault([])
    .describe('What it may call beside the cached endpoints, such as "GET /v1/files/*".'),
  objects: toggle()
    .prefault(false)
    .describe("Whether it may name objects of the upstream's account: files, stores, earlier responses."),
});
