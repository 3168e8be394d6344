import { apiPaths } from '../openai/surface.ts';
import type { Endpoint } from './endpoint.ts';
import { takeJson } from './json-answer.ts';
import { wholePlan } from './whole.ts';

/** `GET /v1/models` and `GET /v1/models/{model}`: what one credential may use. */
export const modelEndpoints: readonly Endpoint[] = ['/models', '/models/{model}'].map((path) => ({
  name: 'models',
  methods: ['GET'],
  paths: apiPaths(path),
  type: 'models',
  plan({ params, body }) {
    if (body.length > 0) return { kind: 'bypass', reason: 'unexpected-body' };
    const label = params.get('model') ?? 'models';
    return wholePlan({ type: 'models', label, content: '', body, takeApart: (answer) => takeJson(answer) });
  },
}));
