import { apiPaths, deployedPaths } from '../openai/surface.ts';
import { embeddingsEndpoint } from './embeddings.ts';
import type { Endpoint } from './endpoint.ts';
import { llmEndpoint } from './llm.ts';
import { modelEndpoints } from './models.ts';
import { moderationsEndpoint } from './moderations.ts';
import { rerankEndpoint } from './rerank.ts';
import { vectorStoreSearchEndpoint } from './vector-store-search.ts';

/** Every endpoint of the OpenAI-compatible API that is cached. */
export const ENDPOINTS: readonly Endpoint[] = [
  embeddingsEndpoint,
  llmEndpoint('chat', deployedPaths('/chat/completions')),
  llmEndpoint('completions', deployedPaths('/completions')),
  llmEndpoint('responses', apiPaths('/responses')),
  moderationsEndpoint,
  rerankEndpoint,
  vectorStoreSearchEndpoint,
  ...modelEndpoints,
];
