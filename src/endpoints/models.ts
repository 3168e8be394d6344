import { apiPaths } from '../openai/surface.ts';
import type { Answer, Endpoint } from './endpoint.ts';
import { takeJson } from './json-answer.ts';
import { wholePlan } from './whole.ts';

/** `GET /v1/models` and `GET /v1/models/{model}`: what one credential may use. */
export const modelEndpoints: readonly Endpoint[] = ['/models', '/models/{model}'].map((path) => ({
  name: 'models',
  methods: ['GET'],
  paths: apiPaths(path),
  type: 'models',
  plan({ params, body }) {
    const touches = 'account';
    if (body.length > 0) return { kind: 'bypass', reason: 'unexpected-body', touches };
    const label = params.get('model') ?? 'models';
    const takeApart = (answer: Answer) => takeJson(answer);
    return wholePlan({ type: 'models', label, content: '', body, touches, takeApart });
  },
}));
