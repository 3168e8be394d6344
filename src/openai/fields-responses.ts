import { DIALECTS } from './dialect.ts';
import {
  ACCOUNTING,
  absent,
  EXTENSIONS,
  type Field,
  fields,
  items,
  NULL,
  NULL_IS_DEFAULT,
  NULLABLE,
  OBFUSCATION,
  OPENAI,
  object,
  SCHEMA,
  SET,
  STREAM,
  type Table,
} from './field.ts';
import { itemsOf, member, type ObjectNode, textOf } from './json.ts';

const PART: Table = { prompt_cache_breakpoint: { dropped: ['object'], absent: [NULL] } };
const RESPONSES_CONTENT: Field = { shape: items(object(PART)) };
const TOOL_SCHEMAS: Table = { parameters: SCHEMA, output_schema: SCHEMA, input_schema: SCHEMA };
// A namespace has tools of its own, which are functions and custom tools only.
const RESPONSES_TOOLS = items(object({ ...TOOL_SCHEMAS, tools: { shape: items(object(TOOL_SCHEMAS)) } }));

/** Responses. */
export const RESPONSES = fields(ACCOUNTING, EXTENSIONS, {
  input: {
    shape: items(
      object({
        ...PART,
        content: RESPONSES_CONTENT,
        output: RESPONSES_CONTENT,
        tools: { shape: RESPONSES_TOOLS },
      }),
    ),
  },
  instructions: NULLABLE,
  prompt: NULLABLE,
  temperature: { absent: [NULL, absent('1', OPENAI)] },
  top_p: { absent: [NULL, absent('1', OPENAI)] },
  top_logprobs: { absent: [absent('null', NULL_IS_DEFAULT), absent('null', DIALECTS, includesNoLogprobs)] },
  max_output_tokens: NULLABLE,
  max_tool_calls: NULLABLE,
  reasoning: { absent: [NULL, absent('{}')] },
  text: {
    absent: [absent('{}')],
    shape: object({
      format: { absent: [absent('{"type":"text"}')], shape: object({ schema: SCHEMA }) },
      verbosity: { absent: [absent('"medium"', OPENAI)] },
    }),
  },
  tools: { absent: [absent('[]')], shape: RESPONSES_TOOLS },
  tool_choice: { absent: [absent('"auto"', OPENAI)] },
  parallel_tool_calls: { absent: [NULL, absent('true', OPENAI)] },
  include: { absent: [NULL, absent('[]')], shape: SET },
  truncation: { absent: [NULL, absent('"disabled"', OPENAI)] },
  context_management: NULLABLE,
  moderation: NULLABLE,
  image: { absent: [absent('{"context_compression":"auto"}', OPENAI)] },
  previous_response_id: NULLABLE,
  conversation: NULLABLE,
  background: { dropped: ['boolean'], absent: [NULL] },
  // Kept unless it says otherwise: the id of a response that is not kept is of no use to a caller that builds on it.
  store: { absent: [NULL, absent('true')] },
  stream: STREAM,
  // Unlike in chat, usage is always in the last event and no option.
  stream_options: { absent: [NULL, absent('{}')], shape: object(OBFUSCATION) },
});

function includesNoLogprobs(request: ObjectNode): boolean {
  return !itemsOf(member(request, 'include')).some((item) => textOf(item) === 'message.output_text.logprobs');
}
