import type { Client } from './openai-sdk.ts';
import { all, type Calls } from './twice.ts';

/** A chat request. */
export const HI = { model: 'gpt-5-mini', messages: [{ role: 'user', content: 'hi' }] };

/** A chat request that is answered by a call of its tool, and then with words. */
export const ASK_TOOL = {
  model: 'gpt-5-mini',
  messages: [{ role: 'user', content: 'What does the lamp cost? Please use the tool.' }],
  tools: [
    {
      type: 'function',
      function: {
        name: 'look_up',
        parameters: { type: 'object', properties: { sku: { type: 'string' } } },
      },
    },
  ],
};

/** What an answer by a schema looks like. */
const LAMP = {
  type: 'object',
  properties: { sku: { type: 'string' } },
  required: ['sku'],
  additionalProperties: false,
};

const AS_LAMP = {
  ...HI,
  response_format: { type: 'json_schema', json_schema: { name: 'lamp', strict: true, schema: LAMP } },
};

const CHOICES = { ...HI, n: 2, logprobs: true };

const WITH_USAGE = { stream_options: { include_usage: true } };

const STREAM_BY_PATH = { body: { ...HI, stream: true } };

const ONCE = { model: 'gpt-3.5-turbo-instruct', prompt: 'once' };

/** A request of the Responses API. */
export const ANSWER = { model: 'gpt-5-mini', input: 'hi' };

const ANSWER_BY_TOOL = {
  ...ANSWER,
  tools: [{ type: 'function', name: 'look_up', parameters: LAMP, strict: true }],
};

const ANSWER_AS_LAMP = {
  ...ANSWER,
  text: { format: { type: 'json_schema', name: 'lamp', strict: true, schema: LAMP } },
};

/** Chat and completions. */
export const CHAT_CALLS: Calls<Client> = new Map<string, (client: Client) => Promise<unknown>>([
  ['chat', async ({ api }) => api.chat.completions.create(HI)],
  ['chat with several choices and logprobs', async ({ api }) => api.chat.completions.create(CHOICES)],
  ['chat that calls a tool', async ({ api }) => api.chat.completions.create(ASK_TOOL)],
  ['chat by its path', async ({ api }) => api.post('/chat/completions', { body: HI })],
  ['streamed chat', async ({ api }) => all(await api.chat.completions.create({ ...HI, stream: true }))],
  [
    'streamed chat with usage',
    async ({ api }) => all(await api.chat.completions.create({ ...HI, ...WITH_USAGE, stream: true })),
  ],
  [
    'streamed chat with several choices and logprobs',
    async ({ api }) => all(await api.chat.completions.create({ ...CHOICES, stream: true })),
  ],
  [
    'streamed chat that calls a tool',
    async ({ api }) => all(await api.chat.completions.create({ ...ASK_TOOL, stream: true })),
  ],
  [
    'streamed chat by its path',
    async ({ api }) => all(await api.post('/chat/completions', { ...STREAM_BY_PATH, stream: true })),
  ],
  ['chat helper parse', async ({ chatHelpers }) => chatHelpers.parse(AS_LAMP)],
  [
    'chat helper stream',
    async ({ chatHelpers }) => {
      const stream = chatHelpers.stream(CHOICES);
      const said: string[][] = [];
      stream.on('content', (delta, snapshot) => said.push([delta, snapshot]));
      return { chunks: await all(stream), said, completion: await stream.finalChatCompletion() };
    },
  ],
  [
    'chat helper stream as JSON by a schema',
    async ({ chatHelpers }) => chatHelpers.stream(AS_LAMP).finalChatCompletion(),
  ],
  ['completions', async ({ api }) => api.completions.create(ONCE)],
  ['completions with several choices', async ({ api }) => api.completions.create({ ...ONCE, n: 2 })],
  ['streamed completions', async ({ api }) => all(await api.completions.create({ ...ONCE, stream: true }))],
  [
    'streamed completions with usage',
    async ({ api }) => all(await api.completions.create({ ...ONCE, ...WITH_USAGE, stream: true })),
  ],
]);

/** Round trips: the model calls the tool, the SDK runs it, and the model answers from what that gave. */
export const TOOL_RUNS: Calls<Client> = new Map<string, (client: Client) => Promise<unknown>>([
  ['chat helper runTools', async (client) => runTools(client, {})],
  ['chat helper runTools, streamed', async (client) => runTools(client, { stream: true })],
]);

/** The Responses API. */
export const RESPONSES_CALLS: Calls<Client> = new Map<string, (client: Client) => Promise<unknown>>([
  ['responses', async ({ api }) => api.responses.create(ANSWER)],
  ['responses that call a tool', async ({ api }) => api.responses.create(ANSWER_BY_TOOL)],
  ['responses, not kept', async ({ api }) => api.responses.create({ ...ANSWER, store: false, user: 'u-1' })],
  ['streamed responses', async ({ api }) => all(await api.responses.create({ ...ANSWER, stream: true }))],
  [
    'streamed responses that call a tool',
    async ({ api }) => all(await api.responses.create({ ...ANSWER_BY_TOOL, stream: true })),
  ],
  ['responses helper parse', async ({ api }) => api.responses.parse(ANSWER_AS_LAMP)],
  [
    'responses helper stream',
    async ({ api }) => {
      const stream = api.responses.stream(ANSWER_BY_TOOL);
      return { events: await all(stream), response: await stream.finalResponse() };
    },
  ],
]);

async function runTools({ chatHelpers }: Client, more: object) {
  const tools = ASK_TOOL.tools.map((tool) => ({
    ...tool,
    function: { ...tool.function, parse: JSON.parse, function: ({ sku }: { sku: string }) => `${sku}: 42 €` },
  }));
  const runner = chatHelpers.runTools({ ...ASK_TOOL, tools, ...more });
  const content = await runner.finalContent();
  return { content, messages: runner.messages };
}
