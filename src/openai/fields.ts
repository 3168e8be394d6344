import { absent, type Fields, fields, OPENAI, object, USER, VLLM_ACCOUNTING } from './field.ts';
import { CHAT, COMPLETIONS } from './fields-chat.ts';
import { RESPONSES } from './fields-responses.ts';

/** The kinds of request whose fields are known. */
export type RequestApi =
  | 'chat'
  | 'completions'
  | 'responses'
  | 'embeddings'
  | 'moderations'
  | 'rerank'
  | 'vector_store_search';

// No field of OpenAI's in these is nullable.
const EMBEDDINGS = fields(VLLM_ACCOUNTING, {
  encoding_format: { absent: [absent('"float"'), absent('"base64"')] },
  user: USER,
});

const MODERATIONS = fields({
  model: { absent: [absent('"omni-moderation-latest"', OPENAI)] },
});

// Only vLLM's defaults hold whatever the model: those of Cohere and Jina are their models' own.
const RERANK = fields(VLLM_ACCOUNTING, {
  user: { known: ['vllm'], dropped: ['string'] },
  top_n: { absent: [absent('0', ['vllm'])] },
  truncate_prompt_tokens: { absent: [absent('null', ['vllm'])] },
  max_tokens_per_query: { absent: [absent('0', ['vllm'])] },
  max_tokens_per_doc: { absent: [absent('0', ['vllm'])] },
});

const VECTOR_STORE_SEARCH = fields({
  rewrite_query: { absent: [absent('false', OPENAI)] },
  // Ten, in canonical form.
  max_num_results: { absent: [absent('1e1', OPENAI)] },
  ranking_options: {
    absent: [absent('{}', OPENAI)],
    shape: object({
      ranker: { absent: [absent('"auto"', OPENAI)] },
      score_threshold: { absent: [absent('0', OPENAI)] },
    }),
  },
});

/** What is known of the fields of each kind of request, and of nothing else. */
export const FIELDS: Readonly<Record<RequestApi, Fields>> = {
  chat: CHAT,
  completions: COMPLETIONS,
  responses: RESPONSES,
  embeddings: EMBEDDINGS,
  moderations: MODERATIONS,
  rerank: RERANK,
  vector_store_search: VECTOR_STORE_SEARCH,
};
