import type * as z from 'zod';
import { choice, duration, named, section } from './fields.ts';
import { tags } from './tag-settings.ts';

/** A named policy of the profile's `types`: how long entries live, and what becomes of calls nobody waits for. */
export type TypeSettings = z.output<ReturnType<typeof policy>>;

/** The section `types`: the five built-in ones, and the user's own, which have to say their `ttl`. */
export function types() {
  return named<TypeSettings>(
    {
      embeddings: policy({ ttl: '24h', grace: '7d' }),
      llm_responses: policy({ ttl: '30m', grace: '1h' }),
      search_results: policy({ ttl: '10m', revalidate: '1m', grace: '10m' }),
      products: policy({ ttl: '1h', revalidate: '1m', grace: '1h' }),
      models: policy({ ttl: '10m', grace: '1h' }),
    },
    policy({}),
  ).describe('Named policies. The five built-in ones always exist; your own ones have to say their ttl.');
}

function policy(defaults: { ttl?: string; revalidate?: string; grace?: string }) {
  const ttl = duration();
  return section({
    ttl: (defaults.ttl === undefined ? ttl : ttl.prefault(defaults.ttl)).describe(
      'Duration: how long an entry is served without asking the upstream.',
    ),
    max_ttl: duration('positive')
      .optional()
      .describe("Duration: the most a caller's x-cache-ttl may ask for. Unlimited if absent."),
    stale_while_revalidate: duration()
      .prefault(defaults.revalidate ?? '0s')
      .describe('Duration after the ttl in which the old entry is served while one refresh runs.'),
    stale_if_error: duration()
      .prefault(defaults.grace ?? '0s')
      .describe('Duration after the ttl in which the old entry is served when the upstream fails.'),
    negative_ttl: duration().prefault('0s').describe('Duration: the life of a stored 404. 0s stores none.'),
    sampling: choice(['any', 'seeded', 'greedy'])
      .prefault('any')
      .describe(
        'Which calls are cached by their randomness. seeded: those with a seed or at temperature 0. greedy: only those at temperature 0.',
      ),
    mode: choice(['on', 'read_only', 'shadow', 'off'])
      .prefault('on')
      .describe(
        'What the cache does. read_only: stores nothing. shadow: counts what would have been a hit, and asks the upstream all the same. off: nothing.',
      ),
    on_abandon: choice(['cancel', 'finish'])
      .prefault('cancel')
      .describe('What becomes of an upstream call when its last caller has left.'),
    linger: duration()
      .prefault('0s')
      .describe('Duration that an abandoned call goes on before on_abandon decides.'),
    tags: tags().describe('Rules for the tags of its entries: see Tags.'),
  });
}
