import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createOpenAI } from '@ai-sdk/openai';
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { embedMany, generateText, streamText } from 'ai';
import OpenAI from 'openai';
import { setStage } from '../support/stage.ts';
import { all } from './twice.ts';

const CHAT = 'gpt-5-mini';
const EMBEDDER = 'text-embedding-3-small';
const TEXTS = ['lamp', 'chair'];
const KEY = { apiKey: 'sk-test', maxRetries: 0 };

type Ask<T> = (baseURL: string) => Promise<T>;

/** The same question, asked for as JSON and as a stream. */
const QUESTIONS = new Map<string, Ask<string | null | undefined>>([
  [
    'openai',
    async (baseURL) => {
      const messages = [{ role: 'user' as const, content: 'hi' }];
      const answer = await new OpenAI({ ...KEY, baseURL }).chat.completions.create({ model: CHAT, messages });
      return answer.choices[0]?.message.content;
    },
  ],
  [
    'openai, streamed',
    async (baseURL) => {
      const messages = [{ role: 'user' as const, content: 'hi' }];
      const stream = new OpenAI({ ...KEY, baseURL }).chat.completions.stream({ model: CHAT, messages });
      return stream.finalContent();
    },
  ],
  ['LangChain.js', async (baseURL) => (await langChain(baseURL).invoke('hi')).text],
  [
    'LangChain.js, streamed',
    async (baseURL) => (await all(await langChain(baseURL).stream('hi'))).map(({ text }) => text).join(''),
  ],
  ['the AI SDK', async (baseURL) => (await generateText(aiSdk(baseURL))).text],
  ['the AI SDK, streamed', async (baseURL) => streamText(aiSdk(baseURL)).text],
]);

/** The same vectors, which the AI SDK asks for as floats and the others in base64. */
const VECTORS = new Map<string, Ask<number[][]>>([
  [
    'openai',
    async (baseURL) => {
      const { embeddings } = new OpenAI({ ...KEY, baseURL });
      const { data } = await embeddings.create({ model: EMBEDDER, input: TEXTS });
      return data.map(({ embedding }) => embedding);
    },
  ],
  [
    'LangChain.js',
    async (baseURL) =>
      new OpenAIEmbeddings({ ...KEY, model: EMBEDDER, configuration: { baseURL } }).embedDocuments(TEXTS),
  ],
  [
    'the AI SDK',
    async (baseURL) => {
      const model = createOpenAI({ apiKey: KEY.apiKey, baseURL }).embedding(EMBEDDER);
      return (await embedMany({ model, values: TEXTS, maxRetries: 0 })).embeddings;
    },
  ],
]);

describe('what one library has asked is a hit for the others', () => {
  for (const payer of QUESTIONS.keys())
    it(`a question, first asked by ${payer}`, () => shared(QUESTIONS, payer));
  for (const payer of VECTORS.keys())
    it(`vectors, first asked for by ${payer}`, () => shared(VECTORS, payer));
});

/** One asks, then all do: there is one call to the upstream and one answer. */
async function shared(asks: ReadonlyMap<string, Ask<unknown>>, payer: string): Promise<void> {
  await using stage = await setStage();
  const baseURL = `${stage.reprise.url}/v1`;
  const answer = await asks.get(payer)?.(baseURL);
  assert.ok(answer);
  for (const [name, ask] of asks) assert.deepEqual(await ask(baseURL), answer, name);
  assert.equal(stage.upstream.calls.length, 1);
}

function langChain(baseURL: string): ChatOpenAI {
  return new ChatOpenAI({ ...KEY, model: CHAT, configuration: { baseURL } });
}

function aiSdk(baseURL: string) {
  return { model: createOpenAI({ apiKey: KEY.apiKey, baseURL }).chat(CHAT), prompt: 'hi', maxRetries: 0 };
}
