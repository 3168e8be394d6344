import { type Api, outcomeOf } from '../openai/outcome.ts';
import { refusalOf } from '../policy/admission.ts';
import { replayable } from '../upstream/headers.ts';
import type { Answer, Taken } from './endpoint.ts';

/** Takes an answer that is one JSON document for what it is: whole, refused by the admission rules, or unreadable. */
export function takeJson(answer: Answer, api: Api | 'plain' = 'plain'): Taken {
  if (answer.headers.some(([name, value]) => name === 'content-encoding' && value !== 'identity')) {
    return { kind: 'opaque', reason: 'content-encoding' };
  }
  const outcome = outcomeOf(answer.body);
  if (typeof outcome === 'string') return { kind: 'opaque', reason: outcome };
  const refused = refusalOf(api, outcome);
  const { status, body } = answer;
  const payload = {
    form: 'json',
    status,
    headers: replayable(answer.headers),
    facts: outcome.facts,
    body,
  } as const;
  return { kind: 'parts', payloads: [payload], ...(refused !== undefined && { refused }) };
}
