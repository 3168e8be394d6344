import { canonicalRequest } from '../openai/canonical.ts';
import { apiPaths } from '../openai/surface.ts';
import { bypassReason } from '../policy/bypass.ts';
import type { Endpoint } from './endpoint.ts';
import { takeJson } from './json-answer.ts';
import { readJsonRequest } from './json-request.ts';
import { wholePlan } from './whole.ts';

/** `POST /v1/vector_stores/{id}/search`: the whole answer. */
export const vectorStoreSearchEndpoint: Endpoint = {
  name: 'vector_store_search',
  methods: ['POST'],
  paths: apiPaths('/vector_stores/{vector_store_id}/search'),
  type: 'search_results',
  labels: 'vector_store',
  lineage: 'gives',
  plan(input) {
    const request = readJsonRequest(input);
    if (request.kind === 'bypass') return request;
    const reason = bypassReason('vector_store_search', request.root);
    const touches = 'object';
    if (reason !== undefined) return { kind: 'bypass', reason, touches };
    return wholePlan({
      type: 'search_results',
      label: input.params.get('vector_store_id') ?? '',
      content: canonicalRequest('vector_store_search', input.dialect, request.root),
      body: input.body,
      touches,
      takeApart: (answer) => takeJson(answer),
    });
  },
};
