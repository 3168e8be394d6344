import { createHash } from 'node:crypto';

/** One result of a ranking. */
export interface Ranked {
  readonly index: number;
  readonly relevance_score: number;
}

/** Every document's place, the best first; of two that are equally good the first stands before the other. */
function ranked(query: unknown, documents: readonly unknown[]): Ranked[] {
  const results = documents.map((document, index) => {
    const digest = createHash('sha256')
      .update(JSON.stringify([query, document]))
      .digest();
    // Few different scores: ties are common.
    return { index, relevance_score: digest.readUInt8() / 256 };
  });
  return results.sort((one, other) => other.relevance_score - one.relevance_score);
}

/** What a reranker answers to this request, in Cohere's form or in that of vLLM and Jina; `top_n` is its own doing. */
export function rankingAnswer(
  asked: Readonly<Record<string, unknown>>,
  form: 'cohere' | 'vllm' = 'cohere',
): string {
  const documents = Array.isArray(asked.documents) ? asked.documents : [];
  const limit = typeof asked.top_n === 'number' && asked.top_n > 0 ? asked.top_n : documents.length;
  const results = ranked(asked.query, documents).slice(0, limit);
  if (form === 'cohere') {
    const written = results.map(
      ({ index, relevance_score }) => `{"index":${index}, "relevance_score":${relevance_score}}`,
    );
    return `{"id":"07734bd2","results":[ ${written.join(' ,')} ],"meta":{"billed_units":{"search_units":1.0}}}`;
  }
  const written = results.map(
    ({ index, relevance_score }) =>
      `{"index":${index},"document":${JSON.stringify({ text: documents[index] })},"relevance_score":${relevance_score}}`,
  );
  return `{"id":"rerank-1","model":"${asked.model}","usage":{"total_tokens":56},"results":[${written.join()}]}`;
}
