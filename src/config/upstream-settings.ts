import * as z from 'zod';
import { DIALECTS, type Dialect, dialectOfHost } from '../openai/dialect.ts';
import { choice, duration, list, named, section, text, toggle, whole } from './fields.ts';

/** One upstream: where it is, how it speaks, which calls it takes, and how long it is waited for. */
export type UpstreamSettings = z.output<ReturnType<typeof upstream>>;

/** The endpoints that an upstream's `serves` can name. */
export const SERVED_ENDPOINTS = [
  'embeddings',
  'chat',
  'completions',
  'responses',
  'moderations',
  'rerank',
  'vector_store_search',
  'models',
] as const;

/** One of {@link SERVED_ENDPOINTS}. */
export type ServedEndpoint = (typeof SERVED_ENDPOINTS)[number];

/** The section `upstreams`, in file order. `default` always exists. */
export function upstreams() {
  return named<UpstreamSettings>(
    { default: upstream('https://api.openai.com/v1') },
    upstream(undefined),
  ).describe(
    'Where calls go, by name: to the first one, in file order, whose serves and models fit, else to default. Each is also reachable under /NAME/v1/.',
  );
}

function upstream(defaultBaseUrl: string | undefined) {
  const url = baseUrl();
  const written = section({
    base_url: (defaultBaseUrl === undefined ? url : url.prefault(defaultBaseUrl)).describe(
      'URL with its /v1, without query, fragment and credentials.',
    ),
    dialect: choice(DIALECTS)
      .optional()
      .describe(
        "How the upstream speaks. If absent it follows the host: openai for OpenAI's own, azure for Azure's, else generic.",
      ),
    serves: list(choice(SERVED_ENDPOINTS), 'a list of endpoint names')
      .optional()
      .describe(
        'The endpoints it takes. With neither serves nor models it takes only routes and calls to /NAME/v1/.',
      ),
    models: list(text('a model name, in which * stands for any characters'), 'a list of model names')
      .optional()
      .describe('The models it takes; * stands for any characters.'),
    api_key: text('an API key', /^[\x21-\x7e]+$/)
      .optional()
      .describe("With access.mode gateway: the operator's own key, sent to this upstream and nowhere else."),
    timeouts: section({
      connect: duration('positive').prefault('10s').describe('Duration until the connection stands.'),
      headers: duration('positive').prefault('15m').describe('Duration until the answer begins.'),
      idle: duration('positive').prefault('15m').describe('Duration between two pieces of an answer.'),
      total: duration('positive').prefault('30m').describe('Duration of the whole call.'),
    })
      .prefault({})
      .describe('How long the upstream is waited for.'),
    breaker: section({
      failures: whole(1).prefault(5).describe('Failures in a row after which calls are refused at once.'),
      probe: duration('positive')
        .prefault('2s')
        .describe('Duration between two probes of a failed upstream.'),
    })
      .prefault({})
      .describe('When a failing upstream is left alone.'),
    concurrency: section({
      max: whole(1).optional().describe('The most calls that run at once. Unlimited if absent.'),
      queue: whole(0)
        .prefault(1000)
        .describe('The most calls that wait for their turn. One more is answered 503 at once.'),
      wait: duration('positive')
        .prefault('30s')
        .describe('Duration of the longest wait for a turn, after which a call is answered 503.'),
    })
      .prefault({})
      .describe('How many calls it is sent at once; others wait, first come, first served.'),
    retry_after_failure: duration()
      .prefault('5s')
      .describe('Duration after a failed refresh in which the old entry is served without asking again.'),
    inject_usage: toggle()
      .prefault(true)
      .describe('Whether streams are asked for their usage; who did not ask for it does not see it.'),
  });
  return z.codec(
    written,
    z.custom<ResolvedUpstream<z.output<typeof written>>>((it) => typeof it === 'object'),
    {
      decode: (given) => ({ ...given, dialect: given.dialect ?? dialectOfHost(new URL(given.base_url)) }),
      encode: (settings) => settings,
    },
  );
}

type ResolvedUpstream<Written> = Readonly<Omit<Written, 'dialect'> & { dialect: Dialect }>;

function baseUrl() {
  const expected =
    'an http or https URL without query, fragment and credentials, such as https://api.openai.com/v1';
  return z
    .string({ error: expected })
    .refine(isBaseUrl, { error: expected })
    .overwrite((url) => (isBaseUrl(url) ? new URL(url).href.replace(/\/+$/, '') : url))
    .meta({ format: 'uri', pattern: '^[Hh][Tt][Tt][Pp][Ss]?://[^@?#]+$' });
}

function isBaseUrl(url: string): boolean {
  // `new URL` drops tabs, newlines and outer blanks and turns a backslash into a slash: what is sent would not be what is read.
  if (!/^https?:\/\/[^\s\\@?#]+$/i.test(url)) return false;
  return URL.canParse(url);
}
