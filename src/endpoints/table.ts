import { embeddingsEndpoint } from './embeddings.ts';
import type { Endpoint } from './endpoint.ts';
import { llmEndpoint } from './llm.ts';
import { modelEndpoints } from './models.ts';
import { vectorStoreSearchEndpoint } from './vector-store-search.ts';

/** Every endpoint of the OpenAI-compatible API that is cached. */
export const ENDPOINTS: readonly Endpoint[] = [
  embeddingsEndpoint,
  llmEndpoint('chat', '/v1/chat/completions'),
  llmEndpoint('completions', '/v1/completions'),
  llmEndpoint('responses', '/v1/responses'),
  vectorStoreSearchEndpoint,
  ...modelEndpoints,
];
