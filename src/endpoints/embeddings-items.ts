import type { Payload } from '../cache/entry.ts';
import { readEmbeddingAnswer, writeEmbeddingAnswer } from '../openai/embedding-answer.ts';
import { apportion, type ItemSizes } from '../openai/usage.ts';
import { dimensionsOf, type Encoding, isFiniteVector } from '../openai/vectors.ts';
import { at, disagreeing, distinct } from './batch.ts';
import type { Answer, Part, Plan, Rendering, Taken } from './endpoint.ts';

/** An embeddings request whose every item can be answered, and cached, on its own. */
export interface ItemizedRequest {
  /** The request's model; empty if it names none. */
  readonly model: string;
  /** What the caller gets its vectors as. */
  readonly encoding: Encoding;
  /** The length of vector asked for, if the request says. */
  readonly dimensions: number | undefined;
  /** What shapes the answer to each of the items, in the caller's order. Never empty. */
  readonly contents: readonly string[];
  /** The text of each of the items, in the caller's order; empty for one that is tokens. */
  readonly texts: readonly string[];
  /** How large each of the items is, in the caller's order. */
  readonly sizes: ItemSizes;
  /**
   * The body to send upstream for these items, in this order: indexes into `contents`. For every item, in the caller's order,
   * it is the caller's own body.
   */
  readonly bodyFor: (items: readonly number[]) => Buffer;
}

/** A plan with one part for each distinct item: repeats within a request are asked for, and cached, once. */
export function itemizedPlan(request: ItemizedRequest): Plan {
  const { firsts, order } = distinct(request.contents);
  return {
    kind: 'plan',
    type: 'embeddings',
    label: request.model,
    parts: firsts.map((item): Part => ({ content: request.contents[item] ?? '' })),
    texts: at(request.texts, firsts),
    order,
    draw: 'greedy',
    streams: false,
    company: '',
    liveCompany: '',
    // An embedding is a function of its input alone.
    touches: 'nothing',
    narrow: (missing) => request.bodyFor(at(firsts, missing)),
    takeApart: (answer, asked) => takeApart(request, firsts, answer, asked),
    putTogether: (payloads) => putTogether(request, at(payloads, order)),
    serves: ({ form }) => form === 'vector',
    disagreeing: (payloads) => disagreeing(payloads, sameSpace),
  };
}

function takeApart(
  request: ItemizedRequest,
  firsts: readonly number[],
  answer: Answer,
  asked: readonly number[],
): Taken {
  if (answer.status !== 200) return { kind: 'opaque', reason: `status:${answer.status}` };
  const read = readEmbeddingAnswer(answer.body, asked.length);
  if (typeof read === 'string') return { kind: 'opaque', reason: read };
  const { unit, sizes } = request.sizes;
  const items = { unit, sizes: at(sizes, at(firsts, asked)) };
  const costs = read.promptTokens === undefined ? [] : apportion(read.promptTokens, items);
  const model = read.model ?? request.model;
  const payloads = read.vectors.map((body, index): Payload => {
    const cost = costs[index];
    const facts = { model, ...(cost && { tokens: cost.tokens, tokens_estimated: cost.estimated }) };
    return { form: 'vector', status: 200, headers: [], facts, body };
  });
  if (!read.vectors.every(isFiniteVector)) return { kind: 'parts', payloads, refused: 'vector-not-finite' };
  const [vector] = read.vectors;
  if (
    vector === undefined ||
    request.dimensions === undefined ||
    dimensionsOf(vector) === request.dimensions
  ) {
    return { kind: 'parts', payloads };
  }
  // A server that ignores `dimensions` is not to be cached, nor are its vectors to be put among those of one that does not.
  if (asked.length < firsts.length) return { kind: 'opaque', reason: 'vector-length' };
  return { kind: 'parts', payloads, refused: 'vector-length' };
}

/**
 * The payloads of the caller's items, in its order, as one answer. Its usage is the sum over the items, repeats too, if the
 * upstream has said that of each.
 */
function putTogether({ model, encoding }: ItemizedRequest, payloads: readonly Payload[]): Rendering {
  let tokens: number | undefined = 0;
  for (const { facts } of payloads) {
    tokens = typeof facts.tokens === 'number' && tokens !== undefined ? tokens + facts.tokens : undefined;
  }
  const snapshot = payloads[0]?.facts.model;
  const body = writeEmbeddingAnswer(
    payloads.map((payload) => payload.body),
    encoding,
    typeof snapshot === 'string' ? snapshot : model,
    tokens,
  );
  return { status: 200, headers: [['content-type', 'application/json']], body };
}

/** Vectors of two snapshots of a model, or of two lengths, lie in different spaces. */
function sameSpace(one: Payload, other: Payload): boolean {
  return one.facts.model === other.facts.model && one.body.length === other.body.length;
}
