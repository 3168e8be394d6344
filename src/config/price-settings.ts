import { amount, named, section } from './fields.ts';

/** The section `prices`: what models cost, over the list prices that come along. */
export function prices() {
  const price = section({
    input: amount().describe('USD for a million tokens of a request.'),
    cached_input: amount()
      .optional()
      .describe("USD for a million of those that the upstream's own cache had. As input if absent."),
    cache_write: amount()
      .optional()
      .describe('USD for a million of those that the upstream put into its own cache. As input if absent.'),
    output: amount().prefault(0).describe('USD for a million tokens of an answer.'),
    per_query: amount().optional().describe('USD for a call, whatever its size: how rerankers are sold.'),
  });
  return named({}, price).describe(
    'What models cost, by name or the beginning of one. Over the list prices that come along.',
  );
}
