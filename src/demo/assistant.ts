import type OpenAI from 'openai';
import { z } from 'zod';
import type { Message } from './answer.ts';
import type { Call, Kind } from './call.ts';
import type { Product } from './catalogue.ts';
import { CHAT_MODEL, costOf, EMBEDDING_MODEL } from './prices.ts';
import { SEARCH_DIMENSIONS, SearchAnswer } from './shop.ts';
import type { Thread } from './thread.ts';

/** What the shop's assistant needs to work. */
export interface Surroundings {
  /** The official SDK, set to the proxy. */
  readonly openai: OpenAI;
  /** Where the shop's own calls go: the proxy, without a slash at the end. */
  readonly shopUrl: string;
  /** Monotonic milliseconds. */
  readonly elapsed: () => number;
  /** Told of each call when its last byte is there. */
  readonly onCall: (call: Call) => void;
  /** Ends all that is under way. */
  readonly signal: AbortSignal;
}

/** One question, and what the answer is to be written from. */
export interface Inquiry {
  readonly question: string;
  /** The article in question, for a keyword search; without it the search goes by the question's meaning. */
  readonly article?: string;
  /** The conversation so far. */
  readonly history: readonly Message[];
  readonly thread: Thread;
  readonly stream: boolean;
}

/** Answers as such assistants do: embed the question, search the catalogue, look up what was found, let the model write. */
export async function answerInquiry(inquiry: Inquiry, around: Surroundings): Promise<string> {
  const { question, article, history, thread } = inquiry;
  const found =
    article === undefined
      ? await searchByMeaning(await embedQuestion(question, thread, around), thread, around)
      : await searchByWords(article, thread, around);
  const articles = await Promise.all(found.map((id) => lookUp(id, thread, around)));
  const messages: Message[] = [
    { role: 'system', content: instructions(articles) },
    ...history,
    { role: 'user', content: question },
  ];
  return inquiry.stream ? writeStreamed(messages, thread, around) : writeWhole(messages, thread, around);
}

const RESULTS = 3;

async function embedQuestion(
  input: string,
  thread: Thread,
  around: Surroundings,
): Promise<readonly number[]> {
  const begun = around.elapsed();
  const { data, response } = await around.openai.embeddings
    .create({ model: EMBEDDING_MODEL, input, dimensions: SEARCH_DIMENSIONS }, options(thread, around))
    .withResponse();
  report('embeddings', response, begun, around, { usd: costOf(EMBEDDING_MODEL, data.usage.prompt_tokens) });
  return data.data[0]?.embedding ?? [];
}

async function searchByMeaning(
  vector: readonly number[],
  thread: Thread,
  around: Surroundings,
): Promise<readonly string[]> {
  return search('/catalog/search', thread, around, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ vector, top: RESULTS }),
  });
}

async function searchByWords(
  words: string,
  thread: Thread,
  around: Surroundings,
): Promise<readonly string[]> {
  const query = new URLSearchParams({ q: words, top: String(RESULTS) });
  return search(`/catalog/search?${query}`, thread, around);
}

async function search(
  path: string,
  thread: Thread,
  around: Surroundings,
  init?: RequestInit,
): Promise<readonly string[]> {
  const begun = around.elapsed();
  const { response, answer } = await askShop(path, thread, around, init);
  const about = SearchAnswer.parse(answer).hits.map((hit) => hit.id);
  report('search', response, begun, around, { about });
  return about;
}

async function lookUp(id: string, thread: Thread, around: Surroundings): Promise<Product> {
  const begun = around.elapsed();
  const { response, answer } = await askShop(`/catalog/products/${id}`, thread, around);
  thread.articles.add(id);
  report('products', response, begun, around, { about: [id] });
  return ProductAnswer.parse(answer);
}

const ProductAnswer = z.object({
  id: z.string(),
  name: z.string(),
  category: z.string(),
  price_eur: z.number(),
  weight_g: z.number(),
  attributes: z.array(z.string()),
  description: z.string(),
});

async function askShop(
  path: string,
  { traceparent }: Thread,
  { shopUrl, signal }: Surroundings,
  init: RequestInit = {},
): Promise<{ readonly response: Response; readonly answer: unknown }> {
  const headers = new Headers(init.headers);
  headers.set('traceparent', traceparent);
  const response = await fetch(shopUrl + path, { ...init, headers, signal });
  const answer: unknown = await response.json();
  if (!response.ok) throw new Error(`${path} was answered ${response.status}: ${JSON.stringify(answer)}`);
  return { response, answer };
}

/** The articles in the form that the stand-in model reads (`answerTo`). */
function instructions(articles: readonly Product[]): string {
  const lines = articles.map(
    ({ name, category, price_eur, weight_g, attributes, description }) =>
      `- ${name} (${category}): ${description} It costs ${price_eur} euros and weighs ${weight_g} g: ${attributes.join(', ')}.`,
  );
  return [
    'You are the assistant of a small shop for outdoor gear. Answer in a few friendly sentences, in the language of',
    'the customer. Speak only of the articles below, with their prices, and never promise what is not written there.',
    'If none of them fits, say so. Articles found for this question:',
    ...lines,
  ].join('\n');
}

async function writeWhole(
  messages: readonly Message[],
  thread: Thread,
  around: Surroundings,
): Promise<string> {
  const begun = around.elapsed();
  const { data, response } = await around.openai.chat.completions
    .create({ model: CHAT_MODEL, messages: messages.map(toParam) }, options(thread, around))
    .withResponse();
  report('chat', response, begun, around, { usd: chatCost(data.usage), about: [...thread.articles] });
  return data.choices[0]?.message.content ?? '';
}

async function writeStreamed(
  messages: readonly Message[],
  thread: Thread,
  around: Surroundings,
): Promise<string> {
  const begun = around.elapsed();
  const { data, response } = await around.openai.chat.completions
    .create(
      {
        model: CHAT_MODEL,
        messages: messages.map(toParam),
        stream: true,
        stream_options: { include_usage: true },
      },
      options(thread, around),
    )
    .withResponse();
  let text = '';
  let usd = 0;
  for await (const chunk of data) {
    text += chunk.choices[0]?.delta.content ?? '';
    if (chunk.usage) usd = chatCost(chunk.usage);
  }
  report('chat', response, begun, around, { usd, about: [...thread.articles] });
  return text;
}

function options({ traceparent }: Thread, { signal }: Surroundings): OpenAI.RequestOptions {
  return { headers: { traceparent }, signal };
}

function chatCost(usage: OpenAI.CompletionUsage | undefined): number {
  return usage === undefined ? 0 : costOf(CHAT_MODEL, usage.prompt_tokens, usage.completion_tokens);
}

function toParam({ role, content }: Message): OpenAI.ChatCompletionMessageParam {
  return role === 'user' || role === 'system' ? { role, content } : { role: 'assistant', content };
}

function report(
  kind: Kind,
  { headers }: Response,
  begun: number,
  { elapsed, onCall }: Surroundings,
  { about = [], usd = 0 }: Partial<Pick<Call, 'about' | 'usd'>>,
): void {
  const [cache, key] = [headers.get('x-cache'), headers.get('x-cache-key')];
  onCall({ kind, cache, key, about, ms: elapsed() - begun, usd });
}
