import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createOpenAI } from '@ai-sdk/openai';
import {
  APICallError,
  embed,
  embedMany,
  generateObject,
  generateText,
  isStepCount,
  Output,
  streamObject,
  streamText,
  tool,
} from 'ai';
import { z } from 'zod';
import { setStage } from '../support/stage.ts';
import { all, type Calls, describeTwice } from './twice.ts';

// It says on the console that `generateObject` and `streamObject` are old.
globalThis.AI_SDK_LOG_WARNINGS = false;

type Provider = ReturnType<typeof createOpenAI>;

const LAMP = z.object({ sku: z.string() });
const TOOLS = {
  look_up: tool({
    description: 'Looks up a price.',
    inputSchema: LAMP,
    execute: ({ sku }) => `${sku}: 42 €`,
  }),
};
const ASK_TOOL = 'What does the lamp cost? Please use the tool.';

function connect(baseURL: string): Provider {
  return createOpenAI({ baseURL, apiKey: 'sk-test' });
}

type Model = ReturnType<Provider['chat']>;

/** Everything that makes text, with a model of either API. */
function textCalls(modelOf: (provider: Provider) => Model): Calls<Provider> {
  const asking = (provider: Provider) => ({ model: modelOf(provider), prompt: 'hi', maxRetries: 0 });
  const calling = (provider: Provider) => ({
    model: modelOf(provider),
    prompt: ASK_TOOL,
    tools: TOOLS,
    stopWhen: isStepCount(3),
    maxRetries: 0,
  });
  return new Map<string, (provider: Provider) => Promise<unknown>>([
    [
      'generateText',
      async (provider) => {
        const { content, text, usage, finishReason, response } = await generateText(asking(provider));
        return { content, text, usage, finishReason, id: response.id };
      },
    ],
    ['streamText', async (provider) => parts(streamText(asking(provider)))],
    [
      'generateText with a tool, to the end',
      async (provider) => {
        const { text, steps } = await generateText(calling(provider));
        return { text, steps: steps.map(({ content, usage }) => ({ content, usage })) };
      },
    ],
    ['streamText with a tool, to the end', async (provider) => parts(streamText(calling(provider)))],
    [
      'generateText as an object',
      async (provider) => {
        const { output, usage } = await generateText({
          ...asking(provider),
          output: Output.object({ schema: LAMP }),
        });
        return { output, usage };
      },
    ],
    [
      'streamText as an object',
      async (provider) => {
        const { partialOutputStream, output } = streamText({
          ...asking(provider),
          output: Output.object({ schema: LAMP }),
        });
        return { partial: await all(partialOutputStream), output: await output };
      },
    ],
    [
      'generateObject',
      async (provider) => {
        const { object, usage } = await generateObject({ ...asking(provider), schema: LAMP });
        return { object, usage };
      },
    ],
    [
      'streamObject',
      async (provider) => {
        const { partialObjectStream, object } = streamObject({ ...asking(provider), schema: LAMP });
        return { partial: await all(partialObjectStream), object: await object };
      },
    ],
  ]);
}

const COMPLETIONS: Calls<Provider> = new Map<string, (provider: Provider) => Promise<unknown>>([
  [
    'generateText',
    async (provider) => {
      const model = provider.completion('gpt-3.5-turbo-instruct');
      const { text, usage } = await generateText({ model, prompt: 'once', maxRetries: 0 });
      return { text, usage };
    },
  ],
  [
    'streamText',
    async (provider) => {
      const model = provider.completion('gpt-3.5-turbo-instruct');
      return parts(streamText({ model, prompt: 'once', maxRetries: 0 }));
    },
  ],
]);

const EMBEDDINGS: Calls<Provider> = new Map<string, (provider: Provider) => Promise<unknown>>([
  [
    'embed',
    async (provider) => {
      const model = provider.embedding('text-embedding-3-small');
      const { embedding, usage } = await embed({ model, value: 'lamp', maxRetries: 0 });
      return { embedding, usage };
    },
  ],
  [
    'embedMany',
    async (provider) => {
      const model = provider.embedding('text-embedding-3-small');
      const values = Array.from({ length: 20 }, (_, at) => `text ${at % 15}`);
      const { embeddings, usage } = await embedMany({ model, values, maxRetries: 0 });
      return { embeddings, usage };
    },
  ],
]);

describe('the AI SDK, chat', () => {
  describeTwice(
    connect,
    textCalls((provider) => provider.chat('gpt-5-mini')),
  );
});

describe('the AI SDK, responses', () => {
  describeTwice(
    connect,
    textCalls((provider) => provider.responses('gpt-5-mini')),
  );
});

describe('the AI SDK, completions', () => {
  describeTwice(connect, COMPLETIONS);
});

describe('the AI SDK, embeddings', () => {
  describeTwice(connect, EMBEDDINGS);
});

it('the AI SDK shows an error of ours as its own', async () => {
  await using stage = await setStage();
  await stage.upstream.close();
  const model = connect(`${stage.reprise.url}/v1`).chat('gpt-5-mini');
  await assert.rejects(generateText({ model, prompt: 'hi', maxRetries: 0 }), (thrown) => {
    assert.ok(APICallError.isInstance(thrown), `${thrown}`);
    assert.equal(thrown.statusCode, 502);
    assert.match(thrown.responseBody ?? '', /"code":"upstream_unreachable"/);
    return true;
  });
});

/** Everything that streams, without what the SDK says of its own time and request. */
async function parts({ fullStream }: { readonly fullStream: AsyncIterable<object> }): Promise<object[]> {
  const come = await all(fullStream);
  for (const part of come) if ('error' in part) throw part.error;
  return come.map((part) => ({ ...part, performance: undefined, request: undefined, response: undefined }));
}
