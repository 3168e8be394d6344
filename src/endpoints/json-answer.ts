import { type Api, outcomeOf } from '../openai/outcome.ts';
import { refusalOf } from '../policy/admission.ts';
import { replayable } from '../upstream/headers.ts';
import type { Answer, Taken } from './endpoint.ts';

/** Takes an answer that is one JSON document for what it is: whole, refused by the admission rules, or unreadable. */
export function takeJson(answer: Answer, api: Api | 'plain' = 'plain'): Taken {
  if (answer.headers.some(([name]) => name === 'content-encoding')) {
    return { kind: 'opaque', reason: 'content-encoding' };
  }
  const outcome = outcomeOf(answer.body);
  if (typeof outcome === 'string') return { kind: 'opaque', reason: outcome };
  const refused = refusalOf(api, outcome);
  if (refused !== undefined && NO_ANSWER.has(refused)) return { kind: 'opaque', reason: refused };
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

// What is refused for these is nothing that could be shown in another form than it came in: an error with status 200.
const NO_ANSWER: ReadonlySet<string> = new Set(['error-inside', 'no-choices', 'status-missing']);
