import { describe } from 'node:test';
import { createOpenAI } from '@ai-sdk/openai';
import {
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
import { all, type Calls, describeTwice } from './twice.ts';

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
    [
      'streamText',
      async (provider) => {
        const result = streamText(asking(provider));
        return {
          pieces: await all(result.textStream),
          usage: await result.usage,
          content: await result.content,
        };
      },
    ],
    [
      'generateText with a tool, to the end',
      async (provider) => {
        const { text, steps } = await generateText(calling(provider));
        return { text, steps: steps.map(({ content, usage }) => ({ content, usage })) };
      },
    ],
    [
      'streamText with a tool, to the end',
      async (provider) => {
        const { textStream, steps } = streamText(calling(provider));
        const pieces = await all(textStream);
        return { pieces, steps: (await steps).map(({ content, usage }) => ({ content, usage })) };
      },
    ],
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

describe('the AI SDK, embeddings', () => {
  describeTwice(connect, EMBEDDINGS);
});
