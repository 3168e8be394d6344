import { createHash } from 'node:crypto';

type Asked = Record<string, unknown>;

/** The answer of the chat API: words that depend on what was asked, JSON if a schema was given, or a tool's call. */
export function chatObject(asked: Asked): object {
  return {
    ...identity(asked, 'chat.completion', 'chatcmpl-'),
    choices: choicesOf(asked).map(({ words, call, logprobs }, index) => ({
      index,
      message: {
        role: 'assistant',
        content: call === undefined ? words.join('') : null,
        refusal: null,
        ...(call && {
          tool_calls: [
            { id: call.id, type: 'function', function: { name: call.name, arguments: call.arguments } },
          ],
        }),
      },
      logprobs: logprobs && call === undefined ? logprobsOf(words) : null,
      finish_reason: call === undefined ? 'stop' : 'tool_calls',
    })),
    usage: usageOf(asked),
    service_tier: 'default',
  };
}

/** The same as the data of a stream's events. */
export function chatChunks(asked: Asked): unknown[] {
  const head = { ...identity(asked, 'chat.completion.chunk', 'chatcmpl-'), service_tier: 'default' };
  const options = asked.stream_options as
    | { include_usage?: boolean; include_obfuscation?: boolean }
    | undefined;
  const chunks: unknown[] = [];
  const say = (index: number, delta: unknown, logprobs: unknown = null, finish: string | null = null) =>
    chunks.push({
      ...head,
      choices: [{ index, delta, logprobs, finish_reason: finish }],
      ...(options?.include_usage === true && { usage: null }),
      ...(options?.include_obfuscation !== false && { obfuscation: Math.random().toString(36).slice(2) }),
    });
  const choices = choicesOf(asked);
  for (const [index, { call }] of choices.entries()) {
    say(index, { role: 'assistant', content: call === undefined ? '' : null, refusal: null });
  }
  for (let at = 0; at < WORDS_IN_AN_ANSWER; at += 1) {
    for (const [index, { words, call, logprobs }] of choices.entries()) {
      const word = words[at];
      if (call === undefined && word !== undefined)
        say(index, { content: word }, logprobs ? logprobsOf([word]) : null);
    }
  }
  for (const [index, { call }] of choices.entries()) {
    if (call === undefined) continue;
    say(index, {
      tool_calls: [{ index: 0, id: call.id, type: 'function', function: { name: call.name, arguments: '' } }],
    });
    for (const piece of call.arguments.match(/.{1,7}/g) ?? []) {
      say(index, { tool_calls: [{ index: 0, function: { arguments: piece } }] });
    }
  }
  for (const [index, { call }] of choices.entries())
    say(index, {}, null, call === undefined ? 'stop' : 'tool_calls');
  if (options?.include_usage === true) chunks.push({ ...head, choices: [], usage: usageOf(asked) });
  return [...chunks, '[DONE]'];
}

/** The answer of the completions API. */
export function completionObject(asked: Asked): object {
  return {
    ...identity(asked, 'text_completion', 'cmpl-'),
    choices: choicesOf(asked).map(({ words }, index) => ({
      text: words.join(''),
      index,
      logprobs: null,
      finish_reason: 'stop',
    })),
    usage: usageOf(asked),
  };
}

/** The same as the data of a stream's events. */
export function completionChunks(asked: Asked): unknown[] {
  const head = identity(asked, 'text_completion', 'cmpl-');
  const options = asked.stream_options as { include_usage?: boolean } | undefined;
  const chunks: unknown[] = choicesOf(asked).flatMap(({ words }, index) => [
    ...words.map((text) => ({ ...head, choices: [{ text, index, logprobs: null, finish_reason: null }] })),
    { ...head, choices: [{ text: '', index, logprobs: null, finish_reason: 'stop' }] },
  ]);
  if (options?.include_usage === true) chunks.push({ ...head, choices: [], usage: usageOf(asked) });
  return [...chunks, '[DONE]'];
}

interface Choice {
  readonly words: readonly string[];
  readonly call: { id: string; name: string; arguments: string } | undefined;
  readonly logprobs: boolean;
}

function choicesOf(asked: Asked): Choice[] {
  const count = typeof asked.n === 'number' ? asked.n : 1;
  const tool = toolCalled(asked);
  return Array.from({ length: count }, (_, index) => ({
    words: isJsonWanted(asked.response_format)
      ? ['{"sku"', ':"SKU', '-7"}']
      : wordsFor([asked.messages ?? asked.prompt, asked.model, asked.temperature, index]),
    call:
      tool === undefined
        ? undefined
        : { id: `call_${index}_abc`, name: tool, arguments: '{"sku":"SKU-7","deep":{"a":[1,2.50]}}' },
    logprobs: asked.logprobs === true,
  }));
}

/** The first tool, if it must be called or the last message asks for it. */
function toolCalled({ tools, tool_choice, messages }: Asked): string | undefined {
  if (!Array.isArray(tools) || !Array.isArray(messages)) return undefined;
  const forced = typeof tool_choice === 'object' && tool_choice !== null;
  if (!forced && !JSON.stringify(messages.at(-1)).includes('use the tool')) return undefined;
  const [first] = tools as { function: { name: string } }[];
  return first?.function.name;
}

function isJsonWanted(format: unknown): boolean {
  return typeof format === 'object' && format !== null && 'type' in format && format.type === 'json_schema';
}

const WORDS_IN_AN_ANSWER = 12;

/** The words the model answers to this request with: they depend on all it was asked. */
function wordsFor(request: unknown): string[] {
  const seed = createHash('sha256').update(JSON.stringify(request)).digest();
  const words = ['Grüße', 'the', 'lamp', 'costs', '42', '€', 'naïve', '🏔️', 'and', 'then', '“yes”', 'ships'];
  return Array.from({ length: WORDS_IN_AN_ANSWER }, (_, at) => `${words[(seed[at] ?? 0) % words.length]} `);
}

function identity(asked: Asked, object: string, prefix: string) {
  const id = createHash('sha256')
    .update(JSON.stringify([asked.messages ?? asked.prompt, asked.model]))
    .digest('hex');
  return { id: `${prefix}${id.slice(0, 24)}`, object, created: 1_780_000_000, model: String(asked.model) };
}

function usageOf(asked: Asked) {
  const prompt = JSON.stringify(asked.messages ?? asked.prompt ?? null).length;
  return {
    prompt_tokens: prompt,
    completion_tokens: WORDS_IN_AN_ANSWER,
    total_tokens: prompt + WORDS_IN_AN_ANSWER,
  };
}

function logprobsOf(words: readonly string[]) {
  return {
    content: words.map((token) => ({
      token,
      logprob: -0.25,
      bytes: [...Buffer.from(token)],
      top_logprobs: [],
    })),
    refusal: null,
  };
}
