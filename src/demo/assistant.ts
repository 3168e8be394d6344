import type OpenAI from 'openai';
import { z } from 'zod';
import type { Message } from './answer.ts';
import type { Call, Kind } from './call.ts';
import type { Product } from './catalogue.ts';
import { CHAT_MODEL, costOf, EMBEDDING_MODEL } from './prices.ts';
import { SEARCH_DIMENSIONS, SearchAnswer } from './shop.ts';

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
  readonly stream: boolean;
}

/** Answers as such assistants do: embed the question, search the catalogue, look up what was found, let the model write. */
export async function answerInquiry(inquiry: Inquiry, around: Surroundings): Promise<string> {
  const found =
    inquiry.article === undefined
      ? await searchByMeaning(await embedQuestion(inquiry.question, around), around)
      : await searchByWords(inquiry.article, around);
  const articles = await Promise.all(found.map((id) => lookUp(id, around)));
  const messages: Message[] = [
    { role: 'system', content: instructions(articles) },
    ...inquiry.history,
    { role: 'user', content: inquiry.question },
  ];
  return inquiry.stream ? writeStreamed(messages, around) : writeWhole(messages, around);
}

const RESULTS = 3;

async function embedQuestion(input: string, around: Surroundings): Promise<readonly number[]> {
  const begun = around.elapsed();
  const { data, response } = await around.openai.embeddings
    .create({ model: EMBEDDING_MODEL, input, dimensions: SEARCH_DIMENSIONS }, { signal: around.signal })
    .withResponse();
  report('embeddings', response, begun, around, costOf(EMBEDDING_MODEL, data.usage.prompt_tokens));
  return data.data[0]?.embedding ?? [];
}

async function searchByMeaning(vector: readonly number[], around: Surroundings): Promise<readonly string[]> {
  const answer = await askShop('search', '/catalog/search', around, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ vector, top: RESULTS }),
  });
  return SearchAnswer.parse(answer).hits.map((hit) => hit.id);
}

async function searchByWords(words: string, around: Surroundings): Promise<readonly string[]> {
  const query = new URLSearchParams({ q: words, top: String(RESULTS) });
  const answer = await askShop('search', `/catalog/search?${query}`, around);
  return SearchAnswer.parse(answer).hits.map((hit) => hit.id);
}

async function lookUp(id: string, around: Surroundings): Promise<Product> {
  return ProductAnswer.parse(await askShop('products', `/catalog/products/${id}`, around));
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
  kind: Kind,
  path: string,
  around: Surroundings,
  init: RequestInit = {},
): Promise<unknown> {
  const begun = around.elapsed();
  const response = await fetch(around.shopUrl + path, { ...init, signal: around.signal });
  const answer: unknown = await response.json();
  if (!response.ok) throw new Error(`${path} was answered ${response.status}: ${JSON.stringify(answer)}`);
  report(kind, response, begun, around);
  return answer;
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

async function writeWhole(messages: readonly Message[], around: Surroundings): Promise<string> {
  const begun = around.elapsed();
  const { data, response } = await around.openai.chat.completions
    .create({ model: CHAT_MODEL, messages: messages.map(toParam) }, { signal: around.signal })
    .withResponse();
  report('chat', response, begun, around, chatCost(data.usage));
  return data.choices[0]?.message.content ?? '';
}

async function writeStreamed(messages: readonly Message[], around: Surroundings): Promise<string> {
  const begun = around.elapsed();
  const { data, response } = await around.openai.chat.completions
    .create(
      {
        model: CHAT_MODEL,
        messages: messages.map(toParam),
        stream: true,
        stream_options: { include_usage: true },
      },
      { signal: around.signal },
    )
    .withResponse();
  let text = '';
  let usd = 0;
  for await (const chunk of data) {
    text += chunk.choices[0]?.delta.content ?? '';
    if (chunk.usage) usd = chatCost(chunk.usage);
  }
  report('chat', response, begun, around, usd);
  return text;
}

function chatCost(usage: OpenAI.CompletionUsage | undefined): number {
  return usage === undefined ? 0 : costOf(CHAT_MODEL, usage.prompt_tokens, usage.completion_tokens);
}

function toParam({ role, content }: Message): OpenAI.ChatCompletionMessageParam {
  return role === 'user' || role === 'system' ? { role, content } : { role: 'assistant', content };
}

function report(kind: Kind, response: Response, begun: number, around: Surroundings, usd = 0): void {
  around.onCall({ kind, cache: response.headers.get('x-cache'), ms: around.elapsed() - begun, usd });
}
