import { DIALECTS, type Dialect } from './dialect.ts';
import {
  ACCOUNTING,
  absent,
  EXTENSIONS,
  type Field,
  fields,
  items,
  LIST,
  NULL,
  NULL_IS_DEFAULT,
  NULLABLE,
  OBFUSCATION,
  OPENAI,
  object,
  SCHEMA,
  SET,
  type Shape,
  STREAM,
  type Table,
  USER,
} from './field.ts';
import { isSet, isTrue, itemsOf, member, type ObjectNode } from './json.ts';
import { canonicalNumber } from './number.ts';

// Ollama's OpenAI-compatible layer sets the two to 1 itself; vLLM takes them from the model's generation_config.json and
// llama.cpp from its command line.
const SAMPLES_AT_ONE: readonly Dialect[] = [...OPENAI, 'ollama'];

const SAMPLING: Table = {
  temperature: { absent: [NULL, absent('1', SAMPLES_AT_ONE)] },
  top_p: { absent: [NULL, absent('1', SAMPLES_AT_ONE)] },
  frequency_penalty: { absent: [NULL, absent('0')] },
  presence_penalty: { absent: [NULL, absent('0')] },
  n: { absent: [NULL, absent('1')] },
  seed: NULLABLE,
  stop: { absent: [NULL], shape: LIST },
  logit_bias: { absent: [NULL, absent('{}')] },
  stream: STREAM,
  stream_options: {
    absent: [NULL, absent('{}')],
    shape: object({
      ...OBFUSCATION,
      include_usage: { dropped: ['boolean'] },
      continuous_usage_stats: { known: ['vllm'], dropped: ['boolean'] },
    }),
  },
};

// In chat `strict` is false unless said; a Responses function is tried strictly first, so that absence is a third value.
const STRICT: Field = { absent: [absent('false', OPENAI), absent('null', OPENAI)] };

const CHAT_PART: Shape = object({
  prompt_cache_breakpoint: { dropped: ['object'] },
  image_url: { shape: object({ detail: { absent: [absent('"auto"', OPENAI)] } }) },
});
const CHAT_CONTENT: Field = { shape: items(CHAT_PART) };

/** Chat completions. */
export const CHAT = fields(ACCOUNTING, EXTENSIONS, SAMPLING, {
  messages: { shape: items(object({ content: CHAT_CONTENT })) },
  max_completion_tokens: NULLABLE,
  max_tokens: NULLABLE,
  logprobs: { absent: [NULL, absent('false')] },
  top_logprobs: { absent: [absent('null', NULL_IS_DEFAULT), absent('null', DIALECTS, asksNoLogprobs)] },
  modalities: { absent: [NULL, absent('["text"]')], shape: SET },
  audio: NULLABLE,
  response_format: {
    absent: [absent('{"type":"text"}')],
    // llama.cpp takes a `schema` beside `type`; the structural tags of vLLM hold schemas within.
    shape: object({
      schema: SCHEMA,
      structures: SCHEMA,
      format: SCHEMA,
      json_schema: { shape: object({ schema: SCHEMA, strict: STRICT }) },
    }),
  },
  tools: {
    absent: [absent('[]')],
    shape: items(
      object({ parameters: SCHEMA, function: { shape: object({ parameters: SCHEMA, strict: STRICT }) } }),
    ),
  },
  tool_choice: {
    absent: [absent('"auto"', NULL_IS_DEFAULT, hasTools), absent('"none"', DIALECTS, hasNoTools)],
  },
  parallel_tool_calls: {
    absent: [absent('true', [...OPENAI, 'ollama', 'vllm']), absent('false', OPENAI, hasNoTools)],
  },
  functions: { shape: items(object({ parameters: SCHEMA })) },
  function_call: { absent: [absent('"auto"', OPENAI, hasFunctions)] },
  // Its default differs from model to model.
  reasoning_effort: NULLABLE,
  verbosity: { absent: [NULL, absent('"medium"', OPENAI)] },
  prediction: { absent: [NULL], shape: object({ content: CHAT_CONTENT }) },
  moderation: NULLABLE,
});

/** Completions of the older kind. */
export const COMPLETIONS = fields(EXTENSIONS, SAMPLING, {
  prompt: NULLABLE,
  user: USER,
  best_of: { absent: [NULL, absent('1', DIALECTS, asksOneChoice)] },
  echo: { absent: [NULL, absent('false')] },
  // 0 is not absence: it asks for the log probabilities of the chosen tokens.
  logprobs: NULLABLE,
  // Without it Ollama and llama.cpp do not stop at 16 tokens; with null vLLM does not either.
  max_tokens: { absent: [absent('null', NULL_IS_DEFAULT), absent('16', [...OPENAI, 'vllm'])] },
  suffix: NULLABLE,
});

function hasTools(request: ObjectNode): boolean {
  return itemsOf(member(request, 'tools')).length > 0;
}

function hasNoTools(request: ObjectNode): boolean {
  return !hasTools(request);
}

function hasFunctions(request: ObjectNode): boolean {
  return itemsOf(member(request, 'functions')).length > 0;
}

function asksNoLogprobs(request: ObjectNode): boolean {
  return !isTrue(member(request, 'logprobs'));
}

function asksOneChoice(request: ObjectNode): boolean {
  const n = member(request, 'n');
  return !isSet(n) || (n.kind === 'number' && canonicalNumber(n.raw) === '1');
}
