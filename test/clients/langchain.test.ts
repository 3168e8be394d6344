import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HumanMessage, SystemMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { ChatOpenAI, OpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { z } from 'zod';
import { setStage } from '../support/stage.ts';
import { all, type Calls, describeTwice } from './twice.ts';

/** What LangChain is made of for one API: a chat model, and beside it a completions model and embeddings. */
interface Models {
  readonly chat: ChatOpenAI;
  readonly completions: OpenAI;
  readonly embeddings: OpenAIEmbeddings;
}

function models(baseURL: string, useResponsesApi: boolean): Models {
  const options = { apiKey: 'sk-test', maxRetries: 0, configuration: { baseURL } };
  return {
    chat: new ChatOpenAI({ ...options, model: 'gpt-5-mini', useResponsesApi }),
    completions: new OpenAI({ ...options, model: 'gpt-3.5-turbo-instruct' }),
    embeddings: new OpenAIEmbeddings({ ...options, model: 'text-embedding-3-small', batchSize: 8 }),
  };
}

const LAMP = z.object({ sku: z.string() });
const LOOK_UP = tool(({ sku }) => `${sku}: 42 €`, {
  name: 'look_up',
  description: 'Looks up a price.',
  schema: LAMP,
});
const ASK_TOOL = 'What does the lamp cost? Please use the tool.';

const CHAT: Calls<Models> = new Map<string, (models: Models) => Promise<unknown>>([
  ['invoke', async ({ chat }) => chat.invoke([new SystemMessage('Be kind.'), new HumanMessage('hi')])],
  ['stream', async ({ chat }) => all(await chat.stream('hi'))],
  ['batch', async ({ chat }) => chat.batch(['one', 'two', 'three'])],
  ['bindTools, invoke', async ({ chat }) => chat.bindTools([LOOK_UP]).invoke(ASK_TOOL)],
  ['bindTools, stream', async ({ chat }) => all(await chat.bindTools([LOOK_UP]).stream(ASK_TOOL))],
  [
    'bindTools, and back with what the tool gives',
    async ({ chat }) => {
      const model = chat.bindTools([LOOK_UP]);
      const asked = await model.invoke(ASK_TOOL);
      const results = await Promise.all((asked.tool_calls ?? []).map((call) => LOOK_UP.invoke(call)));
      return model.invoke([new HumanMessage(ASK_TOOL), asked, ...results]);
    },
  ],
  [
    'withStructuredOutput by a schema',
    async ({ chat }) => chat.withStructuredOutput(LAMP, { name: 'lamp', method: 'jsonSchema' }).invoke('hi'),
  ],
  [
    'withStructuredOutput by a function',
    async ({ chat }) =>
      chat
        .withStructuredOutput(LAMP, { name: 'lamp', method: 'functionCalling', includeRaw: true })
        .invoke('hi'),
  ],
]);

const OTHERS: Calls<Models> = new Map<string, (models: Models) => Promise<unknown>>([
  ['completions, invoke', async ({ completions }) => completions.invoke('once')],
  ['completions, stream', async ({ completions }) => all(await completions.stream('once'))],
  ['embedQuery', async ({ embeddings }) => embeddings.embedQuery('lamp')],
  [
    'embedDocuments in several batches',
    async ({ embeddings }) => embeddings.embedDocuments(Array.from({ length: 20 }, (_, at) => `text ${at}`)),
  ],
]);

describe('LangChain.js, chat completions', () => {
  describeTwice((baseURL) => models(baseURL, false), new Map([...CHAT, ...OTHERS]));
});

describe('LangChain.js, responses', () => {
  describeTwice((baseURL) => models(baseURL, true), CHAT);
});

it('LangChain.js shows an error of ours as its own', async () => {
  await using stage = await setStage();
  await stage.upstream.close();
  const { chat } = models(`${stage.reprise.url}/v1`, false);
  await assert.rejects(chat.invoke('hi'), {
    status: 502,
    code: 'upstream_unreachable',
    type: 'reprise_error',
  });
});
