import { valueFrom } from '../shared/plain.ts';
import { itemsOf, member, type Node, type ObjectNode } from './json.ts';
import { readObject } from './json-text.ts';
import { changeMembers, type Edit, splice } from './splice.ts';
import { type Encoding, vectorFrom, vectorText } from './vectors.ts';

/**
 * An embeddings answer with its vectors in this encoding and without its `id` and `created`, which vLLM makes of the one
 * request that was sent; the rest is as it came. Base64 that was asked for stays as it is, since it need not be float32.
 * Undefined if one of the vectors cannot be read.
 */
export function rewriteEmbeddingAnswer(text: string, encoding: Encoding): string | undefined {
  const answer = readObject(text);
  if (typeof answer === 'string') return undefined;
  if (IDENTITY.some(({ path: [name = ''] }) => member(answer, name) !== undefined)) {
    return rewriteEmbeddingAnswer(changeMembers(text, answer, IDENTITY), encoding);
  }
  return withVectors(text, answer, encoding);
}

const IDENTITY = ['id', 'created'].map((name) => ({ path: [name], json: undefined }));

function withVectors(text: string, answer: ObjectNode, encoding: Encoding): string | undefined {
  const edits: Edit[] = [];
  for (const item of itemsOf(member(answer, 'data'))) {
    const embedding = member(item, 'embedding');
    if (embedding === undefined) return undefined;
    const json = vectorJson(text, embedding, encoding);
    if (json === undefined) return undefined;
    edits.push({ start: embedding.start, end: embedding.end, text: json });
  }
  return edits.length === 0 ? undefined : splice(text, edits);
}

function vectorJson(text: string, { kind, start, end }: Node, encoding: Encoding): string | undefined {
  const json = text.slice(start, end);
  if (kind === 'string' && encoding === 'base64') return json;
  const vector = vectorFrom(valueFrom(json));
  return vector && vectorText(vector, encoding);
}
