import { isRecord, valueFrom } from '../shared/plain.ts';
import { promptTokens } from './usage.ts';
import { type Encoding, vectorFrom, vectorText } from './vectors.ts';

/** What an upstream answered to an embeddings request: one vector for each input, in the order of the inputs. */
export interface EmbeddingAnswer {
  /** Raw float32 little-endian, all of one length. Never empty. */
  readonly vectors: readonly Buffer[];
  /** The model's snapshot as the upstream names it; undefined if it does not. */
  readonly model: string | undefined;
  readonly promptTokens: number | undefined;
}

/** Why an answer cannot be used. */
export type Unusable =
  | 'not-json'
  | 'not-embeddings'
  | 'vector-count'
  | 'vector-index'
  | 'vector-unreadable'
  | 'vector-length';

/**
 * Reads the answer to a request of `count` inputs. The order of `data` means nothing, its `index` says which input a
 * vector belongs to; each must be there once. Either encoding is read, whichever was asked for.
 */
export function readEmbeddingAnswer(body: Buffer, count: number): EmbeddingAnswer | Unusable {
  const answer = valueFrom(body.toString());
  if (answer === undefined) return 'not-json';
  if (!isRecord(answer) || !Array.isArray(answer.data) || (answer.error ?? null) !== null)
    return 'not-embeddings';
  if (answer.data.length !== count) return 'vector-count';
  const vectors = new Array<Buffer | undefined>(count).fill(undefined);
  let length: number | undefined;
  for (const member of answer.data) {
    if (!isRecord(member)) return 'not-embeddings';
    const { index, embedding } = member;
    if (typeof index !== 'number' || !(index in vectors) || vectors[index] !== undefined)
      return 'vector-index';
    const vector = vectorFrom(embedding);
    if (vector === undefined) return 'vector-unreadable';
    length ??= vector.length;
    if (vector.length !== length) return 'vector-length';
    vectors[index] = vector;
  }
  return {
    vectors: vectors.filter((vector) => vector !== undefined),
    model: typeof answer.model === 'string' ? answer.model : undefined,
    promptTokens: promptTokens(answer.usage),
  };
}

/** An embeddings answer with these vectors in this order and encoding, as JSON; without `usage` where it is not known. */
export function writeEmbeddingAnswer(
  vectors: readonly Buffer[],
  encoding: Encoding,
  model: string,
  tokens: number | undefined,
): Buffer {
  const quote = encoding === 'base64' ? '"' : '';
  // An input that is given twice has one vector twice: to write 3,072 numbers takes 2 ms.
  const texts = new Map<Buffer, string>();
  const pieces: (string | Buffer)[] = [];
  for (const [index, vector] of vectors.entries()) {
    const before = index === 0 ? '{"object":"list","data":[' : `${quote}},`;
    pieces.push(`${before}{"object":"embedding","index":${index},"embedding":${quote}`);
    pieces.push(encoding === 'base64' ? vector : textIn(texts, vector));
  }
  const usage = tokens === undefined ? '' : `,"usage":{"prompt_tokens":${tokens},"total_tokens":${tokens}}`;
  const end = Buffer.from(`${quote}}],"model":${JSON.stringify(model)}${usage}}`);
  // Written into its place as it is made, all but the end in ASCII: joined first, all would be copied twice more.
  let length = end.length;
  for (const piece of pieces)
    length += typeof piece === 'string' ? piece.length : 4 * Math.ceil(piece.length / 3);
  const answer = Buffer.allocUnsafeSlow(length);
  let at = 0;
  for (const piece of pieces)
    at += answer.write(typeof piece === 'string' ? piece : piece.toString('base64'), at, 'latin1');
  answer.set(end, at);
  return answer;
}

function textIn(known: Map<Buffer, string>, vector: Buffer): string {
  const text = known.get(vector) ?? vectorText(vector, 'float');
  known.set(vector, text);
  return text;
}
