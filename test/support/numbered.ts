import type { ServerResponse } from 'node:http';
import type { Answer, Sent } from './http.ts';
import { type Stage, type StageOptions, setStage } from './stage.ts';
import type { Turn, UpstreamRequest } from './upstream.ts';

/** What a test asks for. */
export interface Question extends Sent {
  readonly path: string;
}

/** A shop and a model whose every answer says, in one way or another, the number of the upstream call that brought it. */
export interface NumberedStage extends Stage {
  /** Asks without a credential. */
  put(question: Question): Promise<Answer>;
  /** Invalidates; resolves when that has been answered. */
  invalidate(order: object): Promise<Answer>;
}

/** The questions: of a product the answer's head says what it speaks of, of a search its body, of the others nobody but the asker. */
export const PRODUCT: Question = { path: '/catalog/7' };
export const SEARCH: Question = { path: '/search?q=lamp' };
export const CHAT: Question = { path: '/v1/chat/completions', body: chat(false) };
export const STREAM: Question = { path: '/v1/chat/completions', body: chat(true) };

/** The number in an answer, or in a part of a stream. */
export function numberOf({ body }: Pick<Answer, 'body'>): number {
  const [, number] = /number-(\d+)/.exec(body.toString()) ?? [];
  return Number(number ?? Number.NaN);
}

/** The numbers of a batch of vectors. */
export function numbersOf(answer: Answer): readonly number[] {
  const { data } = answer.json() as { data: { embedding: readonly number[] }[] };
  return data.map(({ embedding }) => embedding[0] ?? Number.NaN);
}

/** A question with these headers, too. */
export function saying(question: Question, headers: Sent['headers']): Question {
  return { ...question, headers: { ...question.headers, ...headers } };
}

/** Sets the stage: everything is fresh for ten seconds, may then be refreshed behind for a minute, and stands in for errors for ten. */
export async function setNumbered(
  options: Pick<StageOptions, 'clock' | 'profile' | 'workers'> = {},
): Promise<NumberedStage> {
  const life = { ttl: '10s', stale_while_revalidate: '1m', stale_if_error: '10m' };
  const stage = await setStage({
    ...options,
    profileFor: (origin) => ({
      ...options.profile,
      upstreams: { shop: { base_url: origin } },
      types: { products: life, search_results: life, llm_responses: life, embeddings: life },
      routes: [
        {
          name: 'product',
          match: { method: 'GET', path: '/catalog/{id}' },
          type: 'products',
          upstream: 'shop',
        },
        {
          name: 'search',
          match: { method: 'GET', path: '/search' },
          type: 'search_results',
          upstream: 'shop',
          tags: [{ json: '$.products[*]', tag: 'product:{value}' }],
        },
      ],
    }),
  });
  const { upstream } = stage;
  upstream.answer(async (request, response, turn) => {
    await answer(request, response, turn, upstream.calls.indexOf(request) + 1);
  });
  return {
    ...stage,
    put: ({ path, ...sent }) =>
      stage.ask(path, { ...sent, headers: { authorization: undefined, ...sent.headers } }),
    invalidate: (order) =>
      stage.ask('/cache/invalidate', { body: order, headers: { authorization: undefined } }),
    [Symbol.asyncDispose]: () => stage[Symbol.asyncDispose](),
  };
}

/** Answers in the call's own way; after the head each piece waits for its turn. */
async function answer(
  request: UpstreamRequest,
  response: ServerResponse,
  turn: Turn,
  number: number,
): Promise<void> {
  const text = `number-${number}`;
  if (request.path.startsWith('/catalog/')) {
    const tag = `product:${request.path.slice('/catalog/'.length)}`;
    return await whole(response, turn, { text }, { 'cache-tag': tag });
  }
  if (request.path === '/search') return await whole(response, turn, { text, products: ['7', '8'] });
  const asked = request.json();
  if (request.path === '/v1/embeddings') {
    const inputs = [asked.input].flat();
    const data = inputs.map((_, index) => ({ object: 'embedding', index, embedding: [number, 1] }));
    const usage = { prompt_tokens: inputs.length, total_tokens: inputs.length };
    return await whole(response, turn, { object: 'list', data, model: asked.model, usage });
  }
  const head = { id: 'chatcmpl-1', created: 1, model: asked.model };
  const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
  if (asked.stream !== true) {
    const message = { role: 'assistant', content: text, refusal: null };
    const choices = [{ index: 0, message, finish_reason: 'stop' }];
    return await whole(response, turn, { ...head, object: 'chat.completion', choices, usage });
  }
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-tag': 'product:7' }).flushHeaders();
  const chunk = { ...head, object: 'chat.completion.chunk' };
  for (const [delta, finish_reason] of [
    [{ role: 'assistant', content: text }, null],
    [{ content: ', sir' }, null],
    [{}, 'stop'],
  ] as const) {
    await turn.pass();
    response.write(
      `data: ${JSON.stringify({ ...chunk, choices: [{ index: 0, delta, finish_reason }], usage: null })}\n\n`,
    );
  }
  await turn.pass();
  response.end(`data: ${JSON.stringify({ ...chunk, choices: [], usage })}\n\ndata: [DONE]\n\n`);
}

async function whole(
  response: ServerResponse,
  turn: Turn,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/json', ...headers }).flushHeaders();
  await turn.pass();
  response.end(JSON.stringify(body));
}

function chat(stream: boolean): object {
  return {
    model: 'gpt-5-mini',
    messages: [{ role: 'user', content: 'What does the lamp cost?' }],
    ...(stream && { stream, stream_options: { include_usage: true } }),
  };
}
