import { absent, type Fields, fields, OPENAI, object, USER, VLLM_ACCOUNTING } from './field.ts';
import { CHAT, COMPLETIONS } from './fields-chat.ts';
import { RESPONSES } from './fields-responses.ts';

/** The kinds of request whose fields are known. */
export type RequestApi = 'chat' | 'completions' | 'responses' | 'embeddings' | 'vector_store_search';

// No field of these two is nullable.
const EMBEDDINGS = fields(VLLM_ACCOUNTING, {
  encoding_format: { absent: [absent('"float"'), absent('"base64"')] },
  user: USER,
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
  vector_store_search: VECTOR_STORE_SEARCH,
};
