import { createHash } from 'node:crypto';

/** A ranking as Cohere's API gives it (v1 and v2), the best `top_n` of the documents, of which v1 may repeat the texts. */
export function ranking(asked: Record<string, unknown>): object {
  const { model, query, documents, top_n, return_documents } = asked;
  const texts = (Array.isArray(documents) ? documents : []).map(textOf);
  const ranked = texts
    .map((text, index) => ({ index, relevance_score: scoreOf([model, query, text]), text }))
    .sort((one, other) => other.relevance_score - one.relevance_score)
    .slice(0, typeof top_n === 'number' ? top_n : texts.length);
  return {
    id: 'f3a1c9e2-5d7b-4a60-9c1e-2b8d4f6a7e90',
    results: ranked.map(({ index, relevance_score, text }) => ({
      index,
      relevance_score,
      ...(return_documents === true && { document: { text } }),
    })),
    meta: { api_version: { version: '2' }, billed_units: { search_units: 1 } },
  };
}

function textOf(document: unknown): string {
  return typeof document === 'object' && document !== null && 'text' in document
    ? String(document.text)
    : String(document);
}

/** Between 0 and 1; no two documents have the same. */
function scoreOf(pair: unknown): number {
  return createHash('sha256').update(JSON.stringify(pair)).digest().readUInt32LE() / 2 ** 32;
}
