/** One chat answer as OpenAI streams it and as it gives it whole. */
export interface Example {
  readonly name: string;
  readonly chunks: readonly Record<string, unknown>[];
  readonly whole: Record<string, unknown>;
}

const HEAD = {
  id: 'chatcmpl-1',
  created: 1_790_000_000,
  model: 'gpt-6-sol',
  service_tier: 'default',
  system_fingerprint: 'fp_1',
};
const USAGE = {
  prompt_tokens: 9,
  completion_tokens: 12,
  total_tokens: 21,
  completion_tokens_details: { reasoning_tokens: 0 },
};

function example(
  name: string,
  pieces: readonly unknown[],
  choices: readonly unknown[],
  extras: Record<string, unknown> = {},
): Example {
  const chunk = (choice: unknown) => ({
    ...HEAD,
    object: 'chat.completion.chunk',
    choices: [choice],
    usage: null,
  });
  return {
    name,
    chunks: [
      ...pieces.map(chunk),
      { ...HEAD, object: 'chat.completion.chunk', choices: [], usage: USAGE, ...extras },
    ],
    whole: { ...HEAD, object: 'chat.completion', choices, usage: USAGE, ...extras },
  };
}

const piece = (delta: unknown, index = 0, finish_reason: string | null = null, logprobs: unknown = null) => ({
  index,
  delta,
  logprobs,
  finish_reason,
});
const opening = (index = 0, content: string | null = '') =>
  piece({ role: 'assistant', content, refusal: null }, index);
const choice = (
  message: Record<string, unknown>,
  finish_reason = 'stop',
  index = 0,
  logprobs: unknown = null,
) => ({
  index,
  message: { role: 'assistant', content: null, refusal: null, ...message },
  logprobs,
  finish_reason,
});
const token = (text: string, logprob: number) => ({
  token: text,
  logprob,
  bytes: [...Buffer.from(text)],
  top_logprobs: [],
});

/** Chat answers of every kind. */
export const CHAT_EXAMPLES: readonly Example[] = [
  example(
    'text',
    [opening(), piece({ content: 'Grüße, ' }), piece({ content: '世界 👋🏽' }), piece({}, 0, 'stop')],
    [choice({ content: 'Grüße, 世界 👋🏽' })],
  ),
  example(
    'two choices, interleaved',
    [
      opening(),
      opening(1),
      piece({ content: 'a' }, 1),
      piece({ content: 'b' }),
      piece({ content: 'c' }, 1),
      piece({}, 1, 'stop'),
      piece({}, 0, 'stop'),
    ],
    [choice({ content: 'b' }), choice({ content: 'ac' }, 'stop', 1)],
  ),
  example(
    'parallel tool calls with arguments in pieces',
    [
      opening(0, null),
      piece({
        tool_calls: [{ index: 0, id: 'call_a', type: 'function', function: { name: 'f', arguments: '' } }],
      }),
      piece({ tool_calls: [{ index: 0, function: { arguments: '{"a":' } }] }),
      piece({
        tool_calls: [{ index: 1, id: 'call_b', type: 'function', function: { name: 'g', arguments: '' } }],
      }),
      piece({
        tool_calls: [
          { index: 1, function: { arguments: '{}' } },
          { index: 0, function: { arguments: '1}' } },
        ],
      }),
      piece({ tool_calls: [{ index: 2, id: 'call_c', type: 'custom', custom: { name: 'h', input: '' } }] }),
      piece({ tool_calls: [{ index: 2, custom: { input: 'raw "text"' } }] }),
      piece({}, 0, 'tool_calls'),
    ],
    [
      choice(
        {
          tool_calls: [
            { id: 'call_a', type: 'function', function: { name: 'f', arguments: '{"a":1}' } },
            { id: 'call_b', type: 'function', function: { name: 'g', arguments: '{}' } },
            { id: 'call_c', type: 'custom', custom: { name: 'h', input: 'raw "text"' } },
          ],
        },
        'tool_calls',
      ),
    ],
  ),
  example(
    'logprobs',
    [
      opening(),
      piece({ content: 'Hi' }, 0, null, { content: [token('Hi', -0.1)], refusal: null }),
      piece({ content: '!' }, 0, null, { content: [token('!', -2e-7)], refusal: null }),
      piece({}, 0, 'stop'),
    ],
    [
      choice({ content: 'Hi!' }, 'stop', 0, {
        content: [token('Hi', -0.1), token('!', -2e-7)],
        refusal: null,
      }),
    ],
  ),
  example(
    'refusal',
    [
      opening(0, null),
      piece({ refusal: 'I ' }, 0, null, { content: null, refusal: [token('I ', -1)] }),
      piece({ refusal: 'will not.' }),
      piece({}, 0, 'stop'),
    ],
    [choice({ refusal: 'I will not.' }, 'stop', 0, { content: null, refusal: [token('I ', -1)] })],
  ),
  example(
    'annotations',
    [
      opening(),
      piece({ content: 'See [1].' }),
      piece({
        annotations: [
          {
            type: 'url_citation',
            url_citation: { start_index: 4, end_index: 7, title: 't', url: 'https://e.org' },
          },
        ],
      }),
      piece({}, 0, 'stop'),
    ],
    [
      choice({
        content: 'See [1].',
        annotations: [
          {
            type: 'url_citation',
            url_citation: { start_index: 4, end_index: 7, title: 't', url: 'https://e.org' },
          },
        ],
      }),
    ],
  ),
  example(
    'function call of old',
    [
      opening(0, null),
      piece({ function_call: { name: 'f', arguments: '' } }),
      piece({ function_call: { arguments: '{"x"' } }),
      piece({ function_call: { arguments: ':2}' } }),
      piece({}, 0, 'function_call'),
    ],
    [choice({ function_call: { name: 'f', arguments: '{"x":2}' } }, 'function_call')],
  ),
  example(
    'reasoning in pieces',
    [
      opening(),
      piece({ reasoning_content: 'Let me ' }),
      piece({ reasoning_content: 'think.' }),
      piece({ content: '42' }),
      piece({}, 0, 'stop'),
    ],
    [choice({ content: '42', reasoning_content: 'Let me think.' })],
  ),
  example(
    'extras at the top',
    [opening(), piece({ content: 'x' }), piece({}, 0, 'stop')],
    [choice({ content: 'x' })],
    {
      timings: { predicted_ms: 1.5 },
      prompt_filter_results: [{ prompt_index: 0 }],
    },
  ),
];

const TEXT = 'Grüße 👋';
const MESSAGE = {
  id: 'msg_1',
  type: 'message',
  status: 'completed',
  role: 'assistant',
  content: [
    {
      type: 'output_text',
      text: TEXT,
      annotations: [{ type: 'file_citation', file_id: 'f', filename: 'n', index: 1 }],
      logprobs: [{ token: 'G', logprob: -0.25, bytes: [71], top_logprobs: [] }],
    },
  ],
};
const REASONING = {
  id: 'rs_1',
  type: 'reasoning',
  summary: [{ type: 'summary_text', text: 'Greeting.' }],
  content: [{ type: 'reasoning_text', text: 'They greet.' }],
  encrypted_content: 'AAAA',
};
const CALL = {
  id: 'fc_1',
  type: 'function_call',
  status: 'completed',
  call_id: 'call_1',
  name: 'f',
  arguments: '{"a":1}',
};
const CUSTOM = {
  id: 'ctc_1',
  type: 'custom_tool_call',
  status: 'completed',
  call_id: 'call_2',
  name: 'g',
  input: 'raw',
};

/** A response with reasoning, text and calls, as it comes whole. */
export const RESPONSE = {
  id: 'resp_1',
  object: 'response',
  created_at: 1_790_000_000,
  completed_at: 1_790_000_002,
  status: 'completed',
  background: false,
  error: null,
  incomplete_details: null,
  instructions: null,
  max_output_tokens: null,
  model: 'gpt-6-sol',
  output: [REASONING, MESSAGE, CALL, CUSTOM],
  parallel_tool_calls: true,
  previous_response_id: null,
  prompt_cache_key: null,
  reasoning: { effort: 'medium', summary: null },
  safety_identifier: null,
  service_tier: 'default',
  store: true,
  temperature: 1,
  text: { format: { type: 'text' } },
  tool_choice: 'auto',
  tools: [],
  top_p: 1,
  truncation: 'disabled',
  usage: {
    input_tokens: 9,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: 30,
    output_tokens_details: { reasoning_tokens: 8 },
    total_tokens: 39,
  },
  user: null,
  metadata: {},
};

/** The events OpenAI streams for a response whose only output is a text in two pieces; padding and a keepalive among them. */
export function responseEvents(): { type: string; [name: string]: unknown }[] {
  const done = {
    ...MESSAGE,
    content: [{ type: 'output_text', text: 'Hello', annotations: [], logprobs: [] }],
  };
  const begun = { ...RESPONSE, status: 'in_progress', output: [], usage: null, completed_at: null };
  const place = { item_id: 'msg_1', output_index: 0, content_index: 0 };
  const events = [
    { type: 'response.created', response: begun },
    { type: 'response.in_progress', response: begun },
    {
      type: 'response.output_item.added',
      output_index: 0,
      item: { ...done, status: 'in_progress', content: [] },
    },
    {
      type: 'response.content_part.added',
      ...place,
      part: { type: 'output_text', text: '', annotations: [], logprobs: [] },
    },
    { type: 'response.output_text.delta', ...place, delta: 'Hel', logprobs: [], obfuscation: 'x8Jq' },
    { type: 'keepalive' },
    { type: 'response.output_text.delta', ...place, delta: 'lo', logprobs: [], obfuscation: '1' },
    { type: 'response.output_text.done', ...place, text: 'Hello', logprobs: [] },
    { type: 'response.content_part.done', ...place, part: done.content[0] },
    { type: 'response.output_item.done', output_index: 0, item: done },
    { type: 'response.completed', response: { ...RESPONSE, output: [done] } },
  ];
  return events.map((event, sequence_number) => ({ ...event, sequence_number }));
}
