import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import OpenAI from 'openai';
import { startReprise } from '../support/reprise.ts';
import { startUpstream } from '../support/upstream.ts';

const TOOLS = [
  {
    type: 'function' as const,
    function: { name: 'look_up', parameters: { type: 'object', properties: { sku: { type: 'string' } } } },
  },
];
const MESSAGES = [{ role: 'user' as const, content: 'What does the lamp cost? Please use the tool.' }];

/** Every call an application makes, by its name; each gives what the SDK made of the answer. */
const CALLS = new Map<string, (client: OpenAI) => Promise<unknown>>([
  [
    'chat',
    (client) =>
      client.chat.completions.create({ model: 'gpt-5-mini', messages: [{ role: 'user', content: 'hi' }] }),
  ],
  [
    'chat with two choices and logprobs',
    (client) =>
      client.chat.completions.create({
        model: 'gpt-5-mini',
        n: 2,
        logprobs: true,
        messages: [{ role: 'user', content: 'ho' }],
      }),
  ],
  [
    'streamed chat with tools',
    (client) =>
      client.chat.completions
        .stream({ model: 'gpt-5-mini', messages: MESSAGES, tools: TOOLS })
        .finalChatCompletion(),
  ],
  [
    'streamed chat with usage and two choices',
    (client) =>
      client.chat.completions
        .stream({
          model: 'gpt-5-mini',
          n: 2,
          logprobs: true,
          stream_options: { include_usage: true },
          messages: [{ role: 'user', content: 'hm' }],
        })
        .finalChatCompletion(),
  ],
  ['completions', (client) => client.completions.create({ model: 'gpt-3.5-turbo-instruct', prompt: 'once' })],
  [
    'streamed completions',
    async (client) => {
      const stream = await client.completions.create({
        model: 'gpt-3.5-turbo-instruct',
        prompt: 'upon',
        stream: true,
      });
      const chunks = [];
      for await (const chunk of stream) chunks.push(chunk);
      return chunks;
    },
  ],
  ['responses', (client) => client.responses.create({ model: 'gpt-5-mini', input: 'hi' })],
  [
    'streamed responses with a function call',
    (client) =>
      client.responses
        .stream({
          model: 'gpt-5-mini',
          input: 'ho',
          tools: [{ type: 'function', name: 'look_up', parameters: null, strict: false }],
        })
        .finalResponse(),
  ],
  [
    'embeddings of 100 strings',
    (client) =>
      client.embeddings.create({
        model: 'text-embedding-3-small',
        input: Array.from({ length: 100 }, (_, at) => `text ${at}`),
      }),
  ],
  [
    'embeddings as floats',
    (client) =>
      client.embeddings.create({
        model: 'text-embedding-3-small',
        input: ['a', 'b', 'a'],
        encoding_format: 'float',
      }),
  ],
  [
    'vector store search',
    (client) => client.vectorStores.search('vs_1', { query: 'lamp' }).then((page) => page.data),
  ],
  ['models', (client) => client.models.list().then((page) => page.data)],
  ['one model', (client) => client.models.retrieve('gpt-5-mini')],
]);

describe('the official openai SDK', () => {
  for (const [name, call] of CALLS) {
    it(`${name}: the second run makes no upstream call and yields equal results`, async () => {
      await using upstream = await startUpstream();
      await using reprise = await startReprise({ upstream: upstream.url });
      const client = new OpenAI({ apiKey: 'sk-test', baseURL: `${reprise.url}/v1`, maxRetries: 0 });
      const first = await call(client);
      assert.equal(upstream.calls.length, 1);
      const second = await call(client);
      assert.equal(upstream.calls.length, 1);
      assert.deepEqual(second, first);
    });
  }

  for (const [kind, json, stream] of [
    [
      'chat',
      (client: OpenAI) => client.chat.completions.create({ model: 'm', messages: MESSAGES, tools: TOOLS }),
      (client: OpenAI) =>
        client.chat.completions
          .stream({ model: 'm', messages: MESSAGES, tools: TOOLS, stream_options: { include_usage: true } })
          .finalChatCompletion(),
    ],
    [
      'responses',
      (client: OpenAI) => client.responses.create({ model: 'm', input: 'hi' }),
      (client: OpenAI) => client.responses.stream({ model: 'm', input: 'hi' }).finalResponse(),
    ],
  ] as const) {
    for (const order of ['JSON first', 'stream first'] as const) {
      it(`${kind}, ${order}: one entry answers JSON and stream`, async () => {
        await using upstream = await startUpstream();
        await using reprise = await startReprise({ upstream: upstream.url });
        const client = new OpenAI({ apiKey: 'sk-test', baseURL: `${reprise.url}/v1`, maxRetries: 0 });
        const [one, other] = order === 'JSON first' ? [json, stream] : [stream, json];
        const first: object = await one(client);
        const second: object = await other(client);
        assert.equal(upstream.calls.length, 1);
        assert.deepEqual(plain(second), plain(first));
      });
    }
  }
});

/** What an answer says, without what the SDK's helpers add to it (`parsed`, `parsed_arguments`). */
function plain(answer: object): unknown {
  return JSON.parse(
    JSON.stringify(answer, (key, value) =>
      key.startsWith('parsed') || key === 'output_parsed' ? undefined : value,
    ),
  );
}
