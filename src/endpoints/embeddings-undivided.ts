import { rewriteEmbeddingAnswer } from '../openai/embedding-rewrite.ts';
import { bytesOf } from '../openai/json-text.ts';
import type { Encoding } from '../openai/vectors.ts';
import type { Plan } from './endpoint.ts';
import { takeJson } from './json-answer.ts';
import { wholePlan } from './whole.ts';

/** An embeddings request with fields that may tie its inputs together. */
export interface UndividedRequest {
  /** The request's model; empty if it names none. */
  readonly model: string;
  readonly encoding: Encoding;
  /** Injective text of all that shapes the answer, the encoding too. */
  readonly content: string;
  readonly body: Buffer;
  readonly touches: Plan['touches'];
}

/** A plan of one part, whose answer is the upstream's own but for the encoding of its vectors. */
export function undividedPlan({ model, encoding, content, body: request, touches }: UndividedRequest): Plan {
  return wholePlan({
    type: 'embeddings',
    label: model,
    content,
    body: request,
    touches,
    takeApart(answer) {
      const taken = takeJson(answer);
      if (taken.kind !== 'parts') return taken;
      const rewritten = rewriteEmbeddingAnswer(answer.body.toString(), encoding);
      if (rewritten === undefined) return { kind: 'opaque', reason: 'vector-unreadable' };
      const body = bytesOf(rewritten);
      return { ...taken, payloads: taken.payloads.map((payload) => ({ ...payload, body })) };
    },
  });
}
