import type { Payload } from '../cache/entry.ts';
import { readEmbeddingAnswer, writeEmbeddingAnswer } from '../openai/embedding-answer.ts';
import { apportion, type ItemSizes } from '../openai/usage.ts';
import { dimensionsOf, type Encoding, isFiniteVector } from '../openai/vectors.ts';
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
    order,
    streams: false,
    company: '',
    liveCompany: '',
    narrow: (missing) => request.bodyFor(at(firsts, missing)),
    takeApart: (answer, asked) => takeApart(request, firsts, answer, asked),
    putTogether: (payloads) => putTogether(request, at(payloads, order)),
    serves: ({ form }) => form === 'vector',
    disagreeing,
  };
}

/** The first place of each distinct content, and for every content which of the distinct ones it is. */
function distinct(contents: readonly string[]): { readonly firsts: number[]; readonly order: number[] } {
  const parts = new Map<string, number>();
  const firsts: number[] = [];
  const order = contents.map((content, item) => {
    const known = parts.get(content);
    if (known !== undefined) return known;
    parts.set(content, firsts.length);
    return firsts.push(item) - 1;
  });
  return { firsts, order };
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

/**
 * Vectors of two snapshots of a model, or of two lengths, lie in different spaces. Which of them the upstream gives today
 * is not known, so all count as absent: one call brings a whole that agrees.
 */
function disagreeing(payloads: readonly (Payload | undefined)[]): readonly number[] {
  const first = payloads.find((payload) => payload !== undefined);
  if (payloads.every((payload) => payload === undefined || sameSpace(payload, first))) return [];
  return [...payloads.keys()].filter((part) => payloads[part] !== undefined);
}

function sameSpace(one: Payload, other: Payload | undefined): boolean {
  return one.facts.model === other?.facts.model && one.body.length === other?.body.length;
}

/** The members of `list` at these indexes. */
function at<T>(list: readonly T[], indexes: readonly number[]): T[] {
  const members: T[] = [];
  for (const index of indexes) {
    const member = list[index];
    if (member === undefined)
      throw new Error(`there is no item ${index} in an embeddings request of ${list.length}`);
    members.push(member);
  }
  return members;
}
