import type { Client } from './openai-sdk.ts';
import { all, type Calls } from './twice.ts';

const MODEL = { model: 'text-embedding-3-small' };

/** Embeddings, which SDKs ask for in base64 unless told otherwise, vector stores and models. */
export const DATA_CALLS: Calls<Client> = new Map<string, (client: Client) => Promise<unknown>>([
  ['embedding of one text', async ({ api }) => api.embeddings.create({ ...MODEL, input: 'lamp' })],
  [
    'embeddings of many texts, some of them twice',
    async ({ api }) =>
      api.embeddings.create({ ...MODEL, input: Array.from({ length: 100 }, (_, at) => `text ${at % 90}`) }),
  ],
  [
    'embeddings as floats',
    async ({ api }) => api.embeddings.create({ ...MODEL, input: ['a', 'b'], encoding_format: 'float' }),
  ],
  [
    'embeddings as base64',
    async ({ api }) => api.embeddings.create({ ...MODEL, input: ['a', 'b'], encoding_format: 'base64' }),
  ],
  [
    'embeddings of other dimensions',
    async ({ api }) => api.embeddings.create({ ...MODEL, input: ['a', 'b'], dimensions: 8 }),
  ],
  ['embedding of tokens', async ({ api }) => api.embeddings.create({ ...MODEL, input: [1, 2, 3] })],
  [
    'embeddings of token arrays',
    async ({ api }) => api.embeddings.create({ ...MODEL, input: [[1, 2], [3], [100_256]] }),
  ],
  [
    'vector store search, page by page',
    async ({ api }) => all(api.vectorStores.search('vs_1', { query: 'lamp' })),
  ],
  [
    'vector store search with filters',
    async ({ api }) => {
      const filters = { type: 'eq', key: 'lang', value: 'de' };
      const page = await api.vectorStores.search('vs_1', {
        query: ['lamp', 'light'],
        filters,
        max_num_results: 3,
        ranking_options: { score_threshold: 0.5 },
        rewrite_query: true,
      });
      return page.data;
    },
  ],
  ['models', async ({ api }) => all(api.models.list())],
  ['one model', async ({ api }) => api.models.retrieve('gpt-5-mini')],
  ['models by their path', async ({ api }) => api.get('/models')],
]);
