import { createHash } from 'node:crypto';

type Asked = Record<string, unknown>;

/** The answer of the Responses API: reasoning, a message (JSON if a schema was given), and with tools a call of the first. */
export function responseObject(asked: Asked): Record<string, unknown> {
  const seed = createHash('sha256')
    .update(JSON.stringify([asked.input, asked.model]))
    .digest('hex');
  const format = (asked.text as { format?: { type: string } } | undefined)?.format ?? { type: 'text' };
  const text =
    format.type === 'json_schema' ? '{"sku":"SKU-7"}' : `Über ${seed.slice(0, 8)} 🏔️ nothing is known.`;
  const output: unknown[] = [
    {
      id: `rs_${seed.slice(0, 10)}`,
      type: 'reasoning',
      summary: [{ type: 'summary_text', text: 'I think.' }],
    },
    {
      id: `msg_${seed.slice(0, 10)}`,
      type: 'message',
      status: 'completed',
      role: 'assistant',
      content: [{ type: 'output_text', text, annotations: [], logprobs: [] }],
    },
  ];
  const tool = toolCalled(asked);
  if (tool !== undefined) {
    output.push({
      id: `fc_${seed.slice(0, 10)}`,
      type: 'function_call',
      status: 'completed',
      call_id: `call_${seed.slice(0, 10)}`,
      name: tool,
      arguments: '{"sku":"SKU-7"}',
    });
  }
  return {
    id: `resp_${seed.slice(0, 24)}`,
    object: 'response',
    created_at: 1_780_000_000,
    status: 'completed',
    background: false,
    error: null,
    incomplete_details: null,
    instructions: asked.instructions ?? null,
    max_output_tokens: null,
    metadata: asked.metadata ?? {},
    model: String(asked.model),
    output,
    parallel_tool_calls: true,
    previous_response_id: null,
    prompt_cache_key: asked.prompt_cache_key ?? null,
    reasoning: { effort: null, summary: null },
    safety_identifier: asked.safety_identifier ?? null,
    service_tier: 'default',
    store: asked.store ?? true,
    temperature: 1,
    text: { format },
    tool_choice: 'auto',
    tools: asked.tools ?? [],
    top_p: 1,
    truncation: 'disabled',
    usage: {
      input_tokens: 9,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: 14,
      output_tokens_details: { reasoning_tokens: 2 },
      total_tokens: 23,
    },
    user: asked.user ?? null,
  };
}

/** The same as the events of a stream. */
export function responseEvents(asked: Asked): string[] {
  const whole = responseObject(asked);
  const begun = { ...whole, status: 'in_progress', output: [], usage: null };
  const events: string[] = [];
  const say = (type: string, fields: object) => {
    const data = { type, sequence_number: events.length, ...fields };
    events.push(`event: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
  };
  say('response.created', { response: begun });
  say('response.in_progress', { response: begun });
  for (const [output_index, item] of (whole.output as Record<string, unknown>[]).entries()) {
    const at = { item_id: item.id, output_index };
    if (item.type === 'message') {
      const [part] = item.content as { text: string }[];
      say('response.output_item.added', {
        output_index,
        item: { ...item, status: 'in_progress', content: [] },
      });
      say('response.content_part.added', { ...at, content_index: 0, part: { ...part, text: '' } });
      for (const delta of part?.text.match(/.{1,6}/gu) ?? []) {
        say('response.output_text.delta', {
          ...at,
          content_index: 0,
          delta,
          logprobs: [],
          obfuscation: Math.random().toString(36),
        });
      }
      say('response.output_text.done', { ...at, content_index: 0, text: part?.text, logprobs: [] });
      say('response.content_part.done', { ...at, content_index: 0, part });
    } else if (item.type === 'function_call') {
      say('response.output_item.added', {
        output_index,
        item: { ...item, status: 'in_progress', arguments: '' },
      });
      say('response.function_call_arguments.delta', { ...at, delta: item.arguments });
      say('response.function_call_arguments.done', { ...at, arguments: item.arguments });
    } else {
      say('response.output_item.added', { output_index, item: { ...item, summary: [] } });
    }
    say('response.output_item.done', { output_index, item });
  }
  say('response.completed', { response: whole });
  return events;
}

/** The first tool, unless this request brings what an earlier call gave. */
function toolCalled({ tools, input }: Asked): string | undefined {
  if (JSON.stringify(input).includes('function_call_output')) return undefined;
  const [first] = (Array.isArray(tools) ? tools : []) as { name: string }[];
  return first?.name;
}
